"""Segments: shared by flags, changed for all of them, and never taken away under one."""

from typing import Any

import pytest

from flags import segment_services, services
from flags.models import Segment, State
from flags.segments import flags_using, segments, used_by
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.people import actor

pytestmark = pytest.mark.django_db

PROS = {"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}
ALL = {"constraints": []}


@pytest.fixture
def pros() -> Segment:
    return segment_services.create_segment(actor(), "pros", PROS)


def test_a_viewer_changes_no_segment(pros: Segment) -> None:
    """Every service refuses a viewer."""
    viewer = actor(Role.VIEWER)
    for act in (
        lambda: segment_services.create_segment(viewer, "x", {}),
        lambda: segment_services.edit_segment(viewer, pros.pk, ALL, 1),
        lambda: segment_services.delete_segment(viewer, pros.pk),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_changes_are_audited(pros: Segment) -> None:
    """Made, changed and removed are an entry each, with before and after."""
    segment_services.edit_segment(actor(), pros.pk, ALL, 1, "too narrow")
    segment_services.delete_segment(actor(), pros.pk, 2)
    assert list(Entry.objects.order_by("id").values_list("action", "reason")) == [
        ("segment.create", ""),
        ("segment.edit", "too narrow"),
        ("segment.delete", ""),
    ]
    assert not Segment.objects.exists()


def test_the_second_editor_sees_both_versions(pros: Segment) -> None:
    """An edit of an older version changes nothing and carries both."""
    segment_services.edit_segment(actor(), pros.pk, {"note": "early"}, 1)
    with pytest.raises(Conflict) as raised:
        segment_services.edit_segment(actor(), pros.pk, {"note": "late"}, 1)
    assert (raised.value.current["note"], raised.value.submitted["note"]) == ("early", "late")


@pytest.mark.parametrize("constraints", [[{"field": "x", "operator": "REGEX", "values": ["(("]}], {}, ["x"]])
def test_constraints_that_cannot_be_are_refused(constraints: Any) -> None:
    """What no client could follow names the field."""
    with pytest.raises(InvalidInput) as refused:
        segment_services.create_segment(actor(), "odd", {"constraints": constraints})
    assert refused.value.field == "constraints"


def test_a_used_segment_stays(pros: Segment) -> None:
    """While a flag names it, archived or not, it cannot be removed, and the refusal names the flag."""
    flag = services.create(actor(), "player", {"rules": [{"segments": ["pros"]}, {"segments": ["pros"]}]})
    assert used_by(["pros", "other"]) == {"pros": 1, "other": 0}
    services.archive(actor(), flag.pk)
    assert used_by(["pros"]) == {"pros": 0}
    with pytest.raises(InvalidInput, match="used by player"):
        segment_services.delete_segment(actor(), pros.pk)


def test_lists_find_segments_and_their_flags(pros: Segment) -> None:
    """By name or note, and which flags use one."""
    services.create(actor(), "player", {"rules": [{"segments": ["pros"]}]}, State.RULES)
    assert [found.name for found in segments("pro")] == ["pros"] and not segments("nobody")
    assert [flag.name for flag in flags_using("pros")] == ["player"]


def test_a_segment_of_a_protected_flag_is_confirmed(pros: Segment) -> None:
    """Changing whom a protected flag lets in asks for a reason and the segment's typed name."""
    services.create(actor(), "player", {"rules": [{"segments": ["pros"]}], "protected": True})
    with pytest.raises(InvalidInput) as refused:
        segment_services.edit_segment(actor(), pros.pk, ALL, 1)
    assert refused.value.field == "reason"
    segment_services.edit_segment(actor(), pros.pk, ALL, 1, "agreed", "pros")


def test_a_segment_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(NotFound):
        segment_services.delete_segment(actor(), 4711)


@pytest.mark.parametrize("values", [{"note": "a\0b"}, {"note": None}, {"constraints": [{"field": "\ud800"}]}], ids=str)
def test_text_that_no_database_keeps_is_refused(values: dict[str, Any]) -> None:
    """A NUL, half a character, or nothing at all names its field."""
    with pytest.raises(InvalidInput) as refused:
        segment_services.create_segment(actor(), "odd", values)
    assert refused.value.field in values
