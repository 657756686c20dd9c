"""Every change of an override: permission, lock, version, change and audit entry in one transaction.

Policies and resources are in `quotas.settings_services`, which admins alone reach.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from ops_client.json_types import same_json
from ops_client.text import is_storable
from ops_console import directory
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.approvals.models import Kind
from ops_console.approvals.services import Draft, approvable, require_approval
from ops_console.audit.models import Entry
from ops_console.audit.revert import taken_back
from ops_console.audit.services import Target, record
from ops_console.directory import Person
from ops_console.errors import Conflict, InvalidInput, NotFound
from quotas.limits import checked_limit
from quotas.models import Override, Resource

LONGEST_REASON = 500


@dataclass(frozen=True)
class Wanted:
    """An override as an operator wants it. `expires_at` None: never. `version` is the one that was read, 0: none."""

    limit: int | None
    expires_at: datetime | None
    reason: str
    version: int = 0


def set_override(actor: Actor, user_id: str, resource_name: str, wanted: Wanted) -> Override:
    """Give a user a limit of their own, or change the one they have; it holds on the user's next call.

    Nothing is written where nothing changes.
    Raises NotAllowed, NotFound (user or resource), InvalidInput, and Conflict when somebody else was faster.
    """
    require(actor, Role.OPERATOR)
    person = person_of(user_id)
    with transaction.atomic():
        resource = locked_resource(resource_name)
        check_wanted(resource, wanted)
        override = _in_force(resource, person)
        _require_version(actor, resource, person, override, wanted)
        before = _recorded(override) if override else None
        if override and same_json(before, _as_recorded(wanted)):
            return override
        _require_approval(actor, person, resource_name, wanted, before)
        override = _put(actor, resource, person, override, wanted)
        record(
            actor,
            "override.edit" if before else "override.set",
            override_target(override.resource_id, person),
            before=before,
            after=_recorded(override),
            reason=wanted.reason,
        )
    return override


def _require_approval(
    actor: Actor, person: Person, resource_name: str, wanted: Wanted, before: dict[str, Any] | None
) -> None:
    arguments = {"user_id": person.id, "resource_name": resource_name, **asdict(wanted)}
    limit = "no limit" if wanted.limit is None else f"a limit of {wanted.limit:,}"
    summary = f"{person.email}: {limit} of {resource_name}"
    target = override_target(resource_name, person)
    after = {"limit": wanted.limit, "expires_at": wanted.expires_at}
    only = {name: before.get(name) for name in after} if before else None
    require_approval(
        actor,
        Draft(Kind.LIMIT, "quotas.set_override", arguments, target, summary, only, after, wanted.reason, wanted.limit),
    )


@approvable("quotas.set_override")
def _set_as_approved(actor: Actor, user_id: str, resource_name: str, expires_at: str | None, **wanted: Any) -> Override:
    until = datetime.fromisoformat(expires_at) if expires_at else None
    return set_override(actor, user_id, resource_name, Wanted(expires_at=until, **wanted))


def remove_override(actor: Actor, user_id: str, resource_name: str, version: int, reason: str = "") -> Override:
    """End an override now; the tier's policy holds on the next call. Raises as `set_override`."""
    require(actor, Role.OPERATOR)
    person = person_of(user_id)
    with transaction.atomic():
        resource = locked_resource(resource_name)
        override = _in_force(resource, person)
        if override is None:
            raise NotFound(f"{person.email} has no override of {resource.name} any more.")
        if override.version != version:
            submitted = {"limit": "removed", "version": version}
            current = _recorded(override, versioned=True)
            raise Conflict(_changed(override), current, submitted, override_target(resource_name, person).key)
        end(override, Override.Ended.REMOVED, timezone.now())
        target = override_target(resource_name, person)
        record(actor, "override.remove", target, before=_recorded(override), reason=reason)
    return override


def restore_override(actor: Actor, override_id: int) -> Override:
    """Undo a removal: the same limit with the same expiry, where nothing has taken its place since."""
    override = Override.objects.filter(pk=override_id, ended=Override.Ended.REMOVED).first()
    if override is None:
        raise NotFound("There is no such removed override.")
    wanted = Wanted(override.limit, override.expires_at, override.reason)
    return set_override(actor, override.user_id, override.resource_id, wanted)


def revert_override(actor: Actor, entry: Entry, reason: str, typed_name: str = "") -> Override:
    """Take an edit of an override back: the limit, expiry and reason that it changed. Raises as `audit.revert`."""
    require(actor, Role.OPERATOR)
    user_id, _, resource_name = entry.target_id.rpartition("/")
    person = person_of(user_id)
    with transaction.atomic():
        override = _in_force(locked_resource(resource_name), person)
        if override is None:
            raise NotFound(f"{person.email} has no override of {resource_name} any more.")
        back = taken_back(entry, override, ("limit", "expires_at", "reason"))
        kept = {"limit": override.limit, "expires_at": override.expires_at, "reason": override.reason}
        wanted = Wanted(**{**kept, **back}, version=override.version)
        return set_override(actor, person.id, resource_name, wanted)


def person_of(user_id: str) -> Person:
    """The user in the directory. Raises NotFound for an id that nobody has, whatever it looks like."""
    found = is_storable(user_id) and (directory.get(user_id) or directory.get(user_id.lower()))
    if not found:
        raise NotFound(f"There is no user with the id {user_id[:80]!r} in the directory.")
    return found


def locked_resource(name: str) -> Resource:
    """The resource, held until the transaction ends: changes of one resource's limits go one after the other."""
    # Without the key: a policy's insert may go on meanwhile, and readers never wait.
    resource = Resource.objects.select_for_update(no_key=True).filter(pk=name).first()
    if resource is None:
        raise NotFound(f"There is no resource named {name[:80]!r}.")
    return resource


def check_wanted(resource: Resource, wanted: Wanted) -> None:
    """Raise InvalidInput for a limit that the resource cannot have, an expiry in the past, or no reason."""
    checked_limit(resource, wanted.limit)
    if wanted.expires_at is not None and wanted.expires_at <= timezone.now():
        raise InvalidInput("expires_at", "expires_at: lies in the past. The expiry must be in the future.")
    if not 1 <= len(wanted.reason.strip()) <= LONGEST_REASON:
        raise InvalidInput("reason", f"reason: say why, in 1 to {LONGEST_REASON} characters.")


def end(override: Override, how: str, at: datetime) -> None:
    """Take an override out of force and keep it as history."""
    override.ended, override.ended_at = how, at
    override.save(update_fields=["ended", "ended_at"])


def _put(actor: Actor, resource: Resource, person: Person, override: Override | None, wanted: Wanted) -> Override:
    if override is None:
        override = Override(resource=resource, user_id=person.id, created_by=actor.name, version=0)
        override.created_at = timezone.now()
    override.limit, override.expires_at = wanted.limit, wanted.expires_at
    override.reason = _as_recorded(wanted)["reason"]
    override.created_by = actor.name
    override.version += 1
    override.save()
    return override


def _in_force(resource: Resource, person: Person) -> Override | None:
    """The override in force; one that has run out is moved to history on the way."""
    override = Override.objects.filter(resource=resource, user_id=person.id, ended_at=None).first()
    if override and override.expires_at and override.expires_at <= timezone.now():
        end(override, Override.Ended.EXPIRED, override.expires_at)
        return None
    return override


def _require_version(
    actor: Actor, resource: Resource, person: Person, override: Override | None, wanted: Wanted
) -> None:
    if (override.version if override else 0) == wanted.version:
        return
    submitted = {"limit": wanted.limit, "expires_at": wanted.expires_at, "reason": wanted.reason}
    submitted["created_by"] = actor.name
    current = _recorded(override, versioned=True) if override else {"limit": "no override", "version": 0}
    submitted["version"] = wanted.version
    raise Conflict(_changed(override), current, submitted, override_target(resource.name, person).key)


def _changed(override: Override | None) -> str:
    if override is None:
        return "The override was removed, or ran out, while you were editing it."
    return f"{override.created_by} changed this override while you were editing it."


def _recorded(override: Override, versioned: bool = False) -> dict[str, Any]:
    fields = {"limit": override.limit, "expires_at": override.expires_at, "reason": override.reason}
    return {**fields, "created_by": override.created_by, "version": override.version} if versioned else fields


def _as_recorded(wanted: Wanted) -> dict[str, Any]:
    # Browsers end the lines of a text area with CR LF, whatever it was given.
    reason = wanted.reason.strip().replace("\r\n", "\n")
    return {"limit": wanted.limit, "expires_at": wanted.expires_at, "reason": reason}


def override_target(resource_name: str, person: Person) -> Target:
    return Target("override", f"{person.id}/{resource_name}", f"{resource_name} of {person.email}")
