"""Every change of a flag: permission, lock, change and audit entry in one transaction.

A protected flag, or one on which a protected flag's answer depends, asks for a reason and its typed name before it
changes; to turn it off it asks for nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from flags.locks import hold_references
from flags.models import EVERYONE, Flag, State
from flags.prerequisites import dependents, protected_dependents
from flags.validation import check, check_name
from ops_client.json_types import same_json
from ops_console.access.actor import Actor, require_recent_proof
from ops_console.access.roles import Role, require
from ops_console.approvals.models import Kind
from ops_console.approvals.services import Draft, approvable, require_approval
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import Conflict, InvalidInput, NotFound
from ops_console.pending_changes.models import PendingChange
from ops_console.pending_changes.services import Call, register, submit

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
# What decides what a flag answers; the rest describes it.
DESCRIBING = {"note", "owner", "kind", "tags", "protected", "permanent", "expires_at", "runbook_url"}
ANSWERING = ("everyone", *(field for field in EDITABLE if field not in DESCRIBING), "archived_at")
RECORDED = ("name", "everyone", *EDITABLE, "archived_at")


def create(actor: Actor, name: str, values: Mapping[str, Any], state: State = State.OFF, reason: str = "") -> Flag:
    """Define a flag. Raises InvalidInput where the name is empty or taken, or a value cannot be."""
    require(actor, Role.OPERATOR)
    name = check_name(name)
    with transaction.atomic():
        hold_references()
        if Flag.objects.filter(name=name).exists():
            raise InvalidInput("name", f"There is a flag named {name} already.")
        flag = Flag(name=name, everyone=EVERYONE[state], **editable(values))
        check(flag)
        flag.save()
        record(actor, "flag.create", target(flag), after=recorded(flag), reason=reason)
    return flag


def copy(actor: Actor, flag_id: int, name: str, reason: str = "") -> Flag:
    """Define a flag that says what another one does, under a name of its own and off. Raises as `create`."""
    found = Flag.objects.filter(pk=flag_id).first()
    if found is None:
        raise NotFound("There is no such flag. It may have been removed; the audit knows.")
    return create(actor, name, snapshot(found, EDITABLE), reason=reason)


def edit(
    actor: Actor, flag_id: int, values: Mapping[str, Any], version: int, reason: str = "", typed_name: str = ""
) -> Flag:
    """Change what the form holds. Raises Conflict, with both versions, when somebody was faster."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        flag = locked(flag_id)
        require_version(flag, version, editable(values))
        return change(actor, flag, "flag.edit", editable(values), reason, typed_name)


def set_state(
    actor: Actor, flag_id: int, state: State, reason: str = "", typed_name: str = "", version: int | None = None
) -> Flag:
    """Off for everyone, by its rules, or on for everyone.

    Turning off never waits for a version: a kill switch must work. The others may name one, and raise Conflict.
    """
    require(actor, Role.OPERATOR)
    values = {"everyone": EVERYONE[state]}
    with transaction.atomic():
        flag = locked(flag_id)
        if state != State.OFF:
            require_version(flag, version, values)
        return change(actor, flag, f"flag.{state}", values, reason, typed_name)


def switch(
    actor: Actor, flag: Flag, state: State, reason: str = "", typed_name: str = "", version: int | None = None
) -> Flag | PendingChange:
    """The same, answered within two seconds: where another session holds it up, it is queued and retried."""
    given = {"flag_id": flag.pk, "state": state, "reason": reason, "typed_name": typed_name, "version": version}
    return submit(actor, _SWITCH, target(flag), state.label, **given)


def archive(actor: Actor, flag_id: int, reason: str = "", typed_name: str = "", version: int | None = None) -> Flag:
    """Take a flag out of force: from now on it answers what an undefined one does.

    Raises InvalidInput while others ask for it as a prerequisite: they would turn off without a word.
    """
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        flag = locked(flag_id)
        require_version(flag, version, {"archived_at": timezone.now()})
        require_no_dependents(flag)
        return change(actor, flag, "flag.archive", {"archived_at": timezone.now()}, reason, typed_name)


def restore(actor: Actor, flag_id: int, reason: str = "", typed_name: str = "", version: int | None = None) -> Flag:
    """Bring an archived flag back, as it was. Raises InvalidInput where what it asks for has gone meanwhile."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        flag = locked(flag_id)
        require_version(flag, version, {"archived_at": None})
        check(flag, ("prerequisites",))
        return change(actor, flag, "flag.restore", {"archived_at": None}, reason, typed_name)


def change(
    actor: Actor, flag: Flag, action: str, values: Mapping[str, Any], reason: str = "", typed_name: str = ""
) -> Flag:
    """Set fields of a locked flag, with its entry; nothing is written where nothing changes."""
    before = recorded(flag)
    was_protected = flag.protected
    for field, value in values.items():
        setattr(flag, field, value)
    check(flag, values)
    after = recorded(flag)
    if same_json(after, before):
        return flag
    affected: list[str] = []
    if was_protected:
        require_confirmed(flag.name, before, after, reason, typed_name)
        if not flag.protected:
            require_recent_proof(actor, Role.OPERATOR)
    elif _answers_otherwise(before, after) and (affected := protected_dependents(flag.name)):
        require_confirmed(flag.name, before, after, reason, typed_name, affected)
    if was_protected or affected:
        _require_approval(actor, flag, action, values, before, after, reason, typed_name)
    flag.version += 1
    flag.modified = timezone.now()
    flag.save()
    record(actor, action, target(flag), before=before, after=after, reason=reason)
    return flag


def _require_approval(
    actor: Actor,
    flag: Flag,
    action: str,
    values: Mapping[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str,
    typed_name: str,
) -> None:
    if same_json(after, {**before, "everyone": False}):
        return
    arguments = {
        "flag_id": flag.pk, "action": action, "values": dict(values), "version": flag.version, "reason": reason,
        "typed_name": typed_name,
    }  # fmt: skip
    changed = [field for field in RECORDED if not same_json(before[field], after[field])]
    summary = f"{flag.name}: change {', '.join(changed)}"
    was, becomes = ({field: state[field] for field in changed} for state in (before, after))
    require_approval(actor, Draft(Kind.FLAG, "flags.change", arguments, target(flag), summary, was, becomes, reason))


@approvable("flags.change")
def _change_as_approved(
    actor: Actor, flag_id: int, action: str, values: dict[str, Any], version: int, reason: str, typed_name: str
) -> Flag:
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        flag = locked(flag_id)
        # Moments were kept as text.
        columns = {column.name: column for column in Flag._meta.concrete_fields}
        typed = {field: columns[field].to_python(value) for field, value in values.items()}
        require_version(flag, version, typed)
        if typed.get("archived_at"):
            require_no_dependents(flag)
        return change(actor, flag, action, typed, reason, typed_name)


def require_confirmed(
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str,
    typed_name: str,
    affected: Sequence[str] = (),
) -> None:
    """Raise InvalidInput unless a protected thing's change was confirmed; to turn it off is never held up.

    `affected` are the protected flags on whose account something unprotected asks.
    """
    if same_json(after, {**before, "everyone": False}):
        return
    why = f"{name} decides the answer of {_some(affected)}, which is protected" if affected else f"{name} is protected"
    if not reason.strip():
        raise InvalidInput("reason", f"reason: {why}. Say why it has to change.")
    if typed_name.strip() != name:
        raise InvalidInput("typed_name", f"typed_name: {why}. Type {name} to confirm the change.")


def _answers_otherwise(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(not same_json(before[field], after[field]) for field in ANSWERING)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def require_no_dependents(flag: Flag) -> None:
    """Raise InvalidInput, naming them, while other flags ask for this one."""
    if names := list(dependents(flag.name).values_list("name", flat=True)[:10]):
        raise InvalidInput("prerequisites", f"{flag.name} is a prerequisite of {', '.join(names)}. Take it out there.")


def require_version(flag: Flag, version: int | None, values: Mapping[str, Any]) -> None:
    """Raise Conflict, with both versions, where the flag is not the one that was read; None asks for nothing."""
    if version is None or flag.version == version:
        return
    fields = tuple(dict.fromkeys((*EDITABLE, *values)))
    raise Conflict(
        f"{flag.name} was changed while you were editing it.",
        current={**snapshot(flag, fields), "version": flag.version},
        submitted={**snapshot(flag, fields), **values, "version": version},
        target=("flag", str(flag.pk)),
    )


def locked(flag_id: int) -> Flag:
    """The flag, held until the transaction ends. Raises NotFound."""
    flag = Flag.objects.select_for_update().filter(pk=flag_id).first()
    if flag is None:
        raise NotFound("There is no such flag. It may have been removed; the audit knows.")
    return flag


def _read(flag_id: str, lock: bool) -> Flag:
    return locked(int(flag_id)) if lock else Flag.objects.get(pk=flag_id)


def _switch(actor: Actor, state: str, **given: Any) -> Flag:
    return set_state(actor, state=State(state), **given)


_SWITCH = register(Call("flags.switch", "flags", _switch, _read))


def editable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: values[field] for field in EDITABLE if field in values}


def recorded(flag: Flag) -> dict[str, Any]:
    return snapshot(flag, RECORDED)


def target(flag: Flag) -> Target:
    return Target("flag", str(flag.pk), flag.name)
