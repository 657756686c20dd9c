"""Stale flags: which, and why in words. The list's filter and the words on the page never disagree."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flags.models import Flag
from flags.staleness import reasons, stale, with_staleness
from tests.flags.usage_rows import asked

pytestmark = pytest.mark.django_db


def flag(age_days: float = 60, unchanged_days: float | None = None, **fields: Any) -> Flag:
    made = Flag.objects.create(name="player", **fields)
    now = timezone.now()
    unchanged = age_days if unchanged_days is None else unchanged_days
    Flag.objects.filter(pk=made.pk).update(
        created=now - timedelta(days=age_days), modified=now - timedelta(days=unchanged)
    )
    return made


def why() -> list[str]:
    """The reasons of the one flag; the filter must agree with them."""
    (found,) = with_staleness(Flag.objects.all())
    said = reasons(found)
    assert [each.pk for each in stale(Flag.objects.all())] == ([found.pk] if said else [])
    return said


def counted() -> None:
    """Somebody counts: another flag was asked for."""
    asked("another")


def both_answers() -> None:
    asked("player"), asked("player", result=False)


def test_a_flag_that_is_asked_and_varies_is_not_stale() -> None:
    """Two answers in the last days are life."""
    flag(percent=50), both_answers()
    assert why() == []


def test_a_flag_that_nobody_asks_for_is_stale() -> None:
    """Not asked in 30 days, while backends count."""
    flag(), counted(), asked("player", 31)
    assert why() == ["Not asked for in 30 days."]


def test_a_young_one_says_its_age() -> None:
    """Older than a week and never asked: it says for how long."""
    flag(age_days=12.5), counted()
    assert why() == ["Never asked for in 12 days."]


def test_where_nobody_counts_nothing_is_unasked() -> None:
    """Backends of an older client report no usage: that is no sign that a flag is dead."""
    flag()
    assert why() == []


@pytest.mark.parametrize("result", [True, False])
def test_one_answer_for_a_month_is_stale(result: bool) -> None:
    """Asked for longer than 30 days, and always answered alike in them."""
    flag(percent=50), asked("player", 35, result=not result), asked("player", 2, result=result)
    assert why() == [f"Answered {'on' if result else 'off'} to everybody for 30 days."]


def test_one_answer_for_a_week_is_not() -> None:
    """Where counting began a week ago, nobody knows about a month."""
    flag(percent=50), asked("player", 2)
    assert why() == []


FULL: list[dict[str, Any]] = [
    {"everyone": True},
    {"percent": 100},
    {"rules": [{"constraints": [{"field": "x", "operator": "IN", "values": ["y"]}]}, {"percent": 100}]},
    {"rules": [{"constraints": [], "segments": [], "percent": "100"}]},
    {"rules": [{}]},
]


@pytest.mark.parametrize("fields", FULL, ids=str)
def test_what_everybody_has_is_stale(fields: dict[str, Any]) -> None:
    """On for everyone, or a rule for all at 100 %, unchanged for 30 days."""
    flag(unchanged_days=31, **fields), both_answers()
    assert why() == ["On for everyone, unchanged for 31 days."]


NOT_FULL: dict[str, dict[str, Any]] = {
    "off": {"everyone": False, "percent": 100},
    "nearly all": {"percent": 99.5},
    "by rules": {"rules": [{"percent": 50}, {"segments": ["pros"]}]},
    "dependent": {"percent": 100, "prerequisites": [{"flag": "parent"}]},
    "ending": {"percent": 100, "off_at": timezone.now() + timedelta(days=9)},
}


@pytest.mark.parametrize("fields", NOT_FULL.values(), ids=NOT_FULL)
def test_what_some_have_is_not(fields: dict[str, Any]) -> None:
    """Off, partly on, dependent or ending flags are no full rollout."""
    flag(unchanged_days=31, **fields), both_answers()
    assert why() == []


def test_a_full_rollout_of_last_week_is_not_stale() -> None:
    """Somebody changed it lately: it gets its month."""
    flag(unchanged_days=8, everyone=True), both_answers()
    assert why() == []


def test_a_planned_removal_that_is_past_is_stale() -> None:
    """It says since when."""
    flag(expires_at=timezone.now() - timedelta(days=1)), both_answers()
    (said,) = why()
    assert said.startswith("Planned to be gone since ")


NEVER: dict[str, dict[str, Any]] = {
    "permanent": {"permanent": True},
    "archived": {"archived_at": timezone.now()},
    "new": {"age_days": 6},
}


@pytest.mark.parametrize("fields", NEVER.values(), ids=NEVER)
def test_permanent_archived_and_new_flags_never_are(fields: dict[str, Any]) -> None:
    """However full and unasked they are."""
    counted(), flag(**{"everyone": True, **fields})
    assert why() == []
