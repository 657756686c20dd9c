"""Archiving flags together: each its own change, and what should stay stays."""

import pytest

from flags import bulk, services
from flags.models import Flag
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput, NotAllowed
from tests.flags.usage_rows import asked
from tests.people import actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids() -> list[int]:
    """A plain flag, a protected one, and a parent with its child, which is not chosen."""
    values = {"plain": {}, "guarded": {"protected": True}, "parent": {}}
    flags = [services.create(actor(), name, fields) for name, fields in values.items()]
    services.create(actor(), "child", {"prerequisites": [{"flag": "parent"}]})
    return [flag.pk for flag in flags]


def test_the_plan_says_what_would_stay(ids: list[int]) -> None:
    """Protected and needed flags stay, with the reason; who was asked for lately is named."""
    asked("plain")
    plan = bulk.plan(ids)
    assert ([flag.name for flag in plan.flags], plan.asked) == (["plain"], ["plain"])
    left = {flag.name: reason for flag, reason in plan.left}
    assert "protected" in left["guarded"] and "prerequisite of child" in left["parent"]


def test_flags_go_with_an_entry_each(ids: list[int]) -> None:
    """What the plan names is archived, with the reason at each; the others stay in force."""
    assert bulk.archive(actor(), ids, "spring cleaning") == bulk.Outcome(1, [])
    entries = Entry.objects.filter(action="flag.archive")
    assert [(entry.target_label, entry.reason) for entry in entries] == [("plain", "spring cleaning")]
    assert Flag.objects.filter(archived_at=None).count() == 3


def test_it_asks_for_a_reason_a_role_and_flags(ids: list[int]) -> None:
    """Without them nothing is archived."""
    with pytest.raises(InvalidInput, match="Say why"):
        bulk.archive(actor(), ids, " ")
    with pytest.raises(NotAllowed):
        bulk.archive(actor(Role.VIEWER), ids, "x")
    with pytest.raises(InvalidInput, match="No flag"):
        bulk.archive(actor(), [], "x")
    assert not Flag.objects.filter(archived_at__isnull=False).exists()
