"""Every change of a flag: permission, lock, change and audit entry in one transaction."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from flags.models import EVERYONE, Flag, State
from flags.validation import check, check_name
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import Conflict, InvalidInput, NotFound

# What the flag's form edits; everything else has an act of its own.
EDITABLE = (
    "percent",
    "note",
    "owner",
    "superusers",
    "staff",
    "authenticated",
    "languages",
    "testing",
    "rules",
    "variants",
    "prerequisites",
    "on_at",
    "off_at",
    "kind",
    "tags",
    "protected",
    "permanent",
    "expires_at",
    "runbook_url",
)
_RECORDED = ("name", "everyone", *EDITABLE, "archived_at")


def create(actor: Actor, name: str, values: Mapping[str, Any], state: State = State.OFF) -> Flag:
    """Define a flag. Raises InvalidInput where the name is empty or taken, or a value cannot be."""
    require(actor, Role.OPERATOR)
    name = check_name(name)
    with transaction.atomic():
        if Flag.objects.filter(name=name).exists():
            raise InvalidInput("name", f"There is a flag named {name} already.")
        flag = Flag(name=name, everyone=EVERYONE[state], **_editable(values))
        check(flag)
        flag.save()
        record(actor, "flag.create", _target(flag), after=_recorded(flag))
    return flag


def edit(actor: Actor, flag_id: int, values: Mapping[str, Any], version: int, reason: str = "") -> Flag:
    """Change what the form holds. Raises Conflict, with both versions, when somebody was faster."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        flag = _locked(flag_id)
        if flag.version != version:
            raise Conflict(
                f"{flag.name} was changed while you were editing it.",
                current={**snapshot(flag, EDITABLE), "version": flag.version},
                submitted={**snapshot(flag, EDITABLE), **_editable(values), "version": version},
            )
        return _change(actor, flag, "flag.edit", _editable(values), reason)


def set_state(actor: Actor, flag_id: int, state: State, reason: str = "") -> Flag:
    """Off for everyone, by its rules, or on for everyone. Never waits for a version: a kill switch must work."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        return _change(actor, _locked(flag_id), f"flag.{state}", {"everyone": EVERYONE[state]}, reason)


def archive(actor: Actor, flag_id: int, reason: str = "") -> Flag:
    """Take a flag out of force: from now on it answers what an undefined one does."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        return _change(actor, _locked(flag_id), "flag.archive", {"archived_at": timezone.now()}, reason)


def restore(actor: Actor, flag_id: int, reason: str = "") -> Flag:
    """Bring an archived flag back, as it was."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        return _change(actor, _locked(flag_id), "flag.restore", {"archived_at": None}, reason)


def _change(actor: Actor, flag: Flag, action: str, values: Mapping[str, Any], reason: str) -> Flag:
    before = _recorded(flag)
    for field, value in values.items():
        setattr(flag, field, value)
    check(flag, values)
    if _recorded(flag) == before:
        return flag
    flag.version += 1
    flag.modified = timezone.now()
    flag.save()
    record(actor, action, _target(flag), before=before, after=_recorded(flag), reason=reason)
    return flag


def _locked(flag_id: int) -> Flag:
    flag = Flag.objects.select_for_update().filter(pk=flag_id).first()
    if flag is None:
        raise NotFound("There is no such flag. It may have been removed; the audit knows.")
    return flag


def _editable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: values[field] for field in EDITABLE if field in values}


def _recorded(flag: Flag) -> dict[str, Any]:
    return snapshot(flag, _RECORDED)


def _target(flag: Flag) -> Target:
    return Target("flag", str(flag.pk), flag.name)
