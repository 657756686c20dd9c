"""Every change of a segment. One that protected flags use is confirmed as they are."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from flags.locks import hold_references
from flags.models import Segment
from flags.prerequisites import protected_dependents
from flags.segments import flags_using
from flags.services import require_confirmed
from flags.validation import check_name, check_segment
from ops_client.json_types import same_json
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import Conflict, InvalidInput, NotFound

# The name is what rules refer to: it stays.
EDITABLE = ("note", "constraints")
RECORDED = ("name", *EDITABLE)


def create_segment(actor: Actor, name: str, values: Mapping[str, Any], reason: str = "") -> Segment:
    """Define a segment. Raises InvalidInput where the name is empty or taken, or a constraint cannot be."""
    require(actor, Role.OPERATOR)
    name = check_name(name, "segment")
    with transaction.atomic():
        hold_references()
        if Segment.objects.filter(name=name).exists():
            raise InvalidInput("name", f"There is a segment named {name} already.")
        segment = Segment(name=name, **_editable(values))
        check_segment(segment)
        segment.save()
        record(actor, "segment.create", target(segment), after=recorded(segment), reason=reason)
    return segment


def edit_segment(
    actor: Actor, segment_id: int, values: Mapping[str, Any], version: int, reason: str = "", typed_name: str = ""
) -> Segment:
    """Change whom a segment means, in every flag that uses it. Raises Conflict when somebody was faster."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        segment = locked_segment(segment_id)
        require_segment_version(segment, version, _editable(values))
        return change_segment(actor, segment, "segment.edit", _editable(values), reason, typed_name)


def delete_segment(actor: Actor, segment_id: int, version: int | None = None, reason: str = "") -> None:
    """Remove a segment that no flag uses any more, archived ones included. Raises InvalidInput naming those that do."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        segment = locked_segment(segment_id)
        require_segment_version(segment, version, {})
        require_unused(segment.name)
        of, before = target(segment), recorded(segment)
        segment.delete()
        record(actor, "segment.delete", of, before=before, reason=reason)


def change_segment(
    actor: Actor, segment: Segment, action: str, values: Mapping[str, Any], reason: str = "", typed_name: str = ""
) -> Segment:
    """Set fields of a locked segment, with its entry; nothing is written where nothing changes."""
    before = recorded(segment)
    for field, value in values.items():
        setattr(segment, field, value)
    check_segment(segment)
    after = recorded(segment)
    if same_json(after, before):
        return segment
    if affected := protected_by_segment(segment.name):
        require_confirmed(segment.name, before, after, reason, typed_name, affected)
    segment.version += 1
    segment.save()
    record(actor, action, target(segment), before=before, after=after, reason=reason)
    return segment


def protected_by_segment(name: str) -> list[str]:
    """Protected flags whose answer depends on a segment: they use it, or ask for a flag that does."""
    using = list(flags_using(name).values_list("name", "protected"))
    found = {flag for flag, is_protected in using if is_protected}
    return sorted(found.union(protected_dependents(*(flag for flag, _ in using)) if using else ()))


def require_unused(name: str) -> None:
    """Raise InvalidInput, naming them, while flags use the segment."""
    if names := list(flags_using(name, archived=True).values_list("name", flat=True)[:10]):
        raise InvalidInput("segment", f"{name} is used by {', '.join(names)}. Take it out of their rules first.")


def require_segment_version(segment: Segment, version: int | None, values: Mapping[str, Any]) -> None:
    """Raise Conflict, with both versions, where the segment is not the one that was read; None asks for nothing."""
    if version is None or segment.version == version:
        return
    current = snapshot(segment, EDITABLE)
    raise Conflict(
        f"{segment.name} was changed while you were editing it.",
        current={**current, "version": segment.version},
        submitted={**current, **values, "version": version},
        target=("segment", str(segment.pk)),
    )


def locked_segment(segment_id: int) -> Segment:
    """The segment, held until the transaction ends. Raises NotFound."""
    segment = Segment.objects.select_for_update().filter(pk=segment_id).first()
    if segment is None:
        raise NotFound("There is no such segment. It may have been removed; the audit knows.")
    return segment


def recorded(segment: Segment) -> dict[str, Any]:
    return snapshot(segment, RECORDED)


def target(segment: Segment) -> Target:
    return Target("segment", str(segment.pk), segment.name)


def _editable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: values[field] for field in EDITABLE if field in values}
