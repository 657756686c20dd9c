"""Previews: what a change would do to who was seen in the last day."""

from collections.abc import Callable
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flags import preview, segment_services, services
from flags.effects import of_state
from flags.models import Flag, Presence, State
from ops_client.flags.buckets import bucket
from tests.people import actor

pytestmark = pytest.mark.django_db

PEOPLE = 400


@pytest.fixture(autouse=True)
def people() -> None:
    """400 people seen lately, every fourth of them a pro, and one who was seen two days ago."""
    now = timezone.now()
    Presence.objects.bulk_create(
        Presence(user_id=f"u{number}", seen_at=now, attributes={"tier": "free" if number % 4 else "pro"})
        for number in range(PEOPLE)
    )
    Presence.objects.create(user_id="old", seen_at=now - timedelta(days=2))


def below(percent: int) -> int:
    return sum(bucket("player", f"u{number}") < percent * 100 for number in range(PEOPLE))


def of_change(flag: Flag, **values: Any) -> preview.Preview:
    after = copy(flag)
    for field, value in values.items():
        setattr(after, field, value)
    return preview.of_flag(flag, after)


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "player", {"percent": 25}, State.RULES)


def test_a_ramp_gains_and_loses_nobody(flag: Flag) -> None:
    """From 25 to 50 %: the very users whose buckets lie between."""
    found = of_change(flag, percent=50)
    assert (found.on_before, found.on_after, found.lost) == (below(25), below(50), 0)
    assert (found.gained, found.seen, found.bounded) == (below(50) - below(25), PEOPLE, False)


def test_off_for_everyone_loses_who_was_in(flag: Flag) -> None:
    """The kill switch's number, and its sentence."""
    assert of_change(flag, everyone=False).lost == below(25)
    assert of_state(flag, State.OFF) == f"Turns off for {below(25)} of {PEOPLE} users seen in the last day."


def test_attributes_of_presence_decide(flag: Flag) -> None:
    """A rule by tier lets in who was seen with that tier."""
    pros = [{"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}]
    assert of_change(flag, percent=None, rules=pros).on_after == PEOPLE // 4


def test_parents_and_listed_users_decide_too(flag: Flag) -> None:
    """A new prerequisite that is off turns everybody off; users listed in the admin stay in without one."""
    services.create(actor(), "parent", {})
    assert of_change(flag, percent=100, prerequisites=[{"flag": "parent"}]).on_after == 0


def test_other_variants_are_counted(flag: Flag) -> None:
    """Who stays in and gets another variant is neither gained nor lost."""
    found = of_change(flag, variants=[{"name": "blue", "weight": 1}])
    assert (found.other_variant, found.gained, found.lost) == (below(25), 0, 0)


def test_chance_is_drawn_once(flag: Flag) -> None:
    """A rule by chance that does not change moves nobody."""
    by_chance = [{"percent": 50, "stickiness": "random"}]
    flag.rules = by_chance
    found = of_change(flag, note="x")
    assert (found.gained, found.lost) == (0, 0) and found.on_before > PEOPLE // 4


def test_a_new_flag_has_no_before() -> None:
    """Everybody whom it lets in is gained."""
    found = preview.of_flag(None, Flag(name="brand new", percent=100))
    assert (found.on_before, found.gained) == (0, PEOPLE)


def test_only_the_newest_are_asked(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound it says that there were more."""
    monkeypatch.setattr(preview, "MOST_SEEN", 10)
    found = of_change(flag, percent=100)
    assert (found.seen, found.bounded, found.on_after) == (10, True, 10)


def test_a_segment_shows_what_it_touches(flag: Flag, django_assert_max_num_queries: Callable[..., Any]) -> None:
    """Each flag that uses it, with its own numbers; a handful of queries however many flags there are."""
    tier = {"field": "tier", "operator": "IN", "values": ["pro"]}
    segment = segment_services.create_segment(actor(), "pros", {"constraints": [tier]})
    for number in range(20):
        services.create(actor(), f"flag{number:02}", {"rules": [{"segments": ["pros"]}]}, State.RULES)
    services.create(actor(), "killed", {"rules": [{"segments": ["pros"]}]}, State.OFF)
    after = copy(segment)
    after.constraints = [{**tier, "values": ["pro", "free"]}]
    with django_assert_max_num_queries(5):
        found = preview.of_segment(segment, after)
    gains = {touched.flag.name: touched.preview.gained for touched in found}
    assert gains == {**{f"flag{number:02}": PEOPLE - PEOPLE // 4 for number in range(20)}, "killed": 0}
