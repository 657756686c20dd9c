"""Taking back a change of a flag or segment, through the services that make changes."""

from django.db import transaction

from flags import segment_services, services
from flags.history_words import both_in_words
from flags.locks import hold_references
from flags.models import Flag, Segment
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit import things
from ops_console.audit.models import Entry
from ops_console.audit.revert import register, taken_back

# A name is what code asks for: it is never changed back under anybody.
REVERTED = ("everyone", *services.EDITABLE, "archived_at")


def revert_flag(actor: Actor, entry: Entry, reason: str, typed_name: str) -> Flag:
    """Set what the entry changed back to what it was. Raises as ops_console.audit.revert.revert."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        flag = services.locked(int(entry.target_id))
        values = taken_back(entry, flag, REVERTED)
        if values.get("archived_at"):
            services.require_no_dependents(flag)
        return services.change(actor, flag, "flag.revert", values, reason, typed_name)


def revert_segment(actor: Actor, entry: Entry, reason: str, typed_name: str) -> Segment:
    """The same for a segment."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        hold_references()
        segment = segment_services.locked_segment(int(entry.target_id))
        values = taken_back(entry, segment, segment_services.EDITABLE)
        return segment_services.change_segment(actor, segment, "segment.revert", values, reason, typed_name)


def register_things() -> None:
    """What the audit needs to know of flags and segments."""
    register("flag", revert_flag)
    register("segment", revert_segment)
    things.register("flag", "flags:page", things.as_number, both_in_words, revert="flags:revert")
    things.register("segment", "flags:segment", things.as_number, both_in_words)
