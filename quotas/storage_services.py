"""Storage against what is really there: asking a backend to measure, and correcting what differs."""

from django.db import transaction
from django.utils import timezone

from ops_console.access.actor import SYSTEM, Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, record
from ops_console.errors import InvalidInput, NotFound
from quotas.models import Drift, Level, Recount, Resource
from quotas.services import locked_resource, person_of

EVERYBODY = ""


def request_recount(actor: Actor, resource_name: str, user_id: str = EVERYBODY, correct: bool = False) -> Recount:
    """Ask the backends to measure what one user, or everybody, has stored; one that can does it within seconds.

    With `correct` the levels become what was measured, else what differs is only shown. A request that waits already
    is taken along: it is not asked twice. Raises NotAllowed, NotFound, and InvalidInput for another kind of resource.
    """
    require(actor, Role.OPERATOR if user_id else Role.ADMIN)
    user_id = person_of(user_id).id if user_id else EVERYBODY
    with transaction.atomic():
        resource = locked_resource(resource_name)
        if resource.kind != Resource.Kind.STORAGE:
            raise InvalidInput("resource", f"resource: {resource.name} is no storage; there is nothing to measure.")
        waiting = Recount.objects.select_for_update().filter(resource=resource.name, user_id=user_id, finished_at=None)
        recount = waiting.first() or Recount(resource=resource.name, user_id=user_id)
        recount.correct = recount.correct or correct
        recount.requested_by = actor.name
        recount.save()
        record(actor, "storage.recount", _target(resource.name, user_id), after={"correct": recount.correct})
    return recount


def correct_level(actor: Actor, resource_name: str, user_id: str) -> int:
    """Make a user's level what was last measured, with what was stored or freed since; the level that it has now.

    Raises NotAllowed, and NotFound where nothing differs any more.
    """
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        locked_resource(resource_name)
        level = Level.objects.select_for_update().filter(resource=resource_name, user_id=user_id).first()
        drift = Drift.objects.select_for_update().filter(resource=resource_name, user_id=user_id).first()
        if drift is None or level is None:
            raise NotFound(f"{resource_name} of {user_id[:80]!r} is what was measured, or was not measured yet.")
        before = level.used
        corrected = max(0, before + drift.measured - drift.used)
        Level.objects.filter(resource=resource_name, user_id=user_id).update(used=corrected, changed_at=timezone.now())
        Drift.objects.filter(resource=resource_name, user_id=user_id).delete()
        record(
            actor,
            "storage.correct",
            _target(resource_name, user_id),
            before={"used": before},
            after={"used": corrected},
        )
    return corrected


def request_nightly() -> int:
    """Ask for a recount of everybody, of every storage resource; how many were asked for."""
    names = Resource.objects.filter(kind=Resource.Kind.STORAGE).values_list("name", flat=True)
    return len([request_recount(SYSTEM, name) for name in names])


def _target(resource: str, user_id: str) -> Target:
    label = f"{resource} of {user_id}" if user_id else f"{resource} of everybody"
    return Target("level", f"{user_id}/{resource}", label)
