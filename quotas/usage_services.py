"""What an operator may do about what a user has used: begin anew, and take back places and room that are held."""

from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ops_client.quotas.ring import BUCKETS
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, record
from ops_console.directory import Person
from ops_console.errors import InvalidInput, NotFound
from quotas import queries
from quotas.models import Counter, Reservation, Resource, Ring, Slot
from quotas.services import locked_resource, person_of

_NOTHING = [0] * (BUCKETS + 1)
_COUNTED: dict[str, type[Ring] | type[Counter]] = {Resource.Kind.RATE: Ring, Resource.Kind.ALLOWANCE: Counter}


def reset_usage(actor: Actor, user_id: str, resource_name: str, reason: str = "") -> int:
    """Let a user's window or period begin anew, with nothing used; answers what was forgotten.

    Raises NotAllowed, NotFound, and InvalidInput for places and storage, which hold what is really there.
    """
    require(actor, Role.OPERATOR)
    person = person_of(user_id)
    with transaction.atomic():
        resource = locked_resource(resource_name)
        counted = _COUNTED.get(resource.kind)
        if counted is None:
            raise InvalidInput("resource", f"resource: {resource.name} is not counted over time: {_instead(resource)}.")
        row = counted.objects.select_for_update().filter(resource=resource.name, user_id=person.id).first()
        used = _used(person, resource)
        _forget(row)
        before, after = {"used": used}, {"used": 0}
        record(actor, "usage.reset", _target(person, resource.name), before=before, after=after, reason=reason)
    return used


def release_slot(actor: Actor, user_id: str, resource_name: str, holder: UUID, reason: str = "") -> Slot:
    """Free a place that its holder keeps; what the holder does with it later has no effect. Raises NotFound."""
    require(actor, Role.OPERATOR)
    person = person_of(user_id)
    with transaction.atomic():
        slot = (
            Slot.objects.select_for_update()
            .filter(resource=resource_name, user_id=person.id, holder=holder, expires_at__gt=timezone.now())
            .first()
        )
        if slot is None:
            raise NotFound("This place is free already: its holder left, or its time ran out.")
        before = {"holder": slot.holder, "service": slot.service, "taken_at": slot.taken_at}
        Slot.objects.filter(pk=slot.pk).update(holder=None, expires_at=None, taken_at=None, service="")
        record(actor, "slot.release", _target(person, resource_name), before=before, reason=reason)
    return slot


def release_reservation(actor: Actor, user_id: str, reservation_id: UUID, reason: str = "") -> Reservation:
    """Give back room that is held for something being stored; its commit will find it gone. Raises NotFound."""
    require(actor, Role.OPERATOR)
    person = person_of(user_id)
    with transaction.atomic():
        mine = Q(pk=reservation_id, user_id=person.id, expires_at__gt=timezone.now())
        held = Reservation.objects.select_for_update().filter(mine).first()
        if held is None:
            raise NotFound("This reservation is over already: it was committed or released, or its time ran out.")
        before = {"amount": held.amount, "created_at": held.created_at, "expires_at": held.expires_at}
        held.delete()
        record(actor, "reservation.release", _target(person, held.resource), before=before, reason=reason)
    return held


def _used(person: Person, resource: Resource) -> int:
    """In the window or period of now: what has left it is forgotten already."""
    (found,) = queries.limited([person])
    return next(limit.usage.used for limit in found.limits if limit.resource == resource)


def _forget(row: Ring | Counter | None) -> None:
    if isinstance(row, Ring):
        # One bucket ahead: permits leased before come back to a bucket that holds nothing of what counts now.
        Ring.objects.filter(resource=row.resource, user_id=row.user_id).update(counts=_NOTHING, newest=row.newest + 1)
    elif row is not None:
        Counter.objects.filter(resource=row.resource, user_id=row.user_id).delete()


def _instead(resource: Resource) -> str:
    return "release a place" if resource.kind == Resource.Kind.CONCURRENCY else "have it measured again"


def _target(person: Person, resource_name: str) -> Target:
    return Target("usage", f"{person.id}/{resource_name}", f"{resource_name} of {person.email}")
