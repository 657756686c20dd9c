"""What the overview lists as temporarily in force."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from flags import services
from flags.models import Flag, State
from incidents.operations.models import Action
from ops_console.audit import queries
from ops_console.views.temporary import SHOWN, temporary
from tests.people import actor

pytestmark = pytest.mark.django_db


def listed() -> list[tuple[str, str]]:
    return [(each.what, each.actor) for each in temporary()]


def test_a_killed_flag_is_listed_until_it_is_back() -> None:
    """A flag that was turned off stands there with who did it; one that began off does not."""
    services.create(actor(), "new", {})
    flag = services.create(actor(), "player", {"percent": 5}, State.RULES)
    services.set_state(actor(), flag.pk, State.OFF, reason="it skips")
    assert listed() == [("player is off for everyone", "oscar")]
    services.set_state(actor(), flag.pk, State.RULES)
    assert listed() == []


@pytest.mark.django_db(transaction=True)
def test_a_flag_killed_in_the_database_is_listed_too() -> None:
    """What came round the services is found by the entry that the trigger made."""
    Flag.objects.create(name="player")
    Flag.objects.filter(name="player").update(everyone=False)
    [(what, who)] = listed()
    assert (what, bool(who)) == ("player is off for everyone", True)


def test_scheduled_flags_are_listed_with_who_planned_it() -> None:
    """A flag that will come on or go off by itself, until it does; not one that is settled for everyone."""
    soon, later = timezone.now() + timedelta(hours=1), timezone.now() + timedelta(hours=2)
    coming = services.create(actor(name="early"), "coming", {"on_at": soon, "off_at": later}, State.RULES)
    services.edit(actor(), coming.pk, {"note": "who edits a note has planned nothing"}, 1)
    ending = services.create(actor(), "ending", {}, State.RULES)
    services.edit(actor(name="planner"), ending.pk, {"off_at": later}, 1, "the campaign ends")
    services.create(actor(), "settled", {"off_at": later}, State.ON)
    assert [(each.what, each.actor, each.reason, each.until) for each in temporary()] == [
        ("coming turns on", "early", "", soon),
        ("ending turns off", "planner", "the campaign ends", later),
    ]


def test_a_running_bulk_ends_by_itself() -> None:
    """It is named as its own page names it, and nobody has to revert it."""
    Action.objects.create(
        verb="fail",
        kind="transcription",
        label="Fail 3 transcriptions",
        actor="oscar",
        scope={},
        total=3,
        release_at=timezone.now(),
    )
    assert [(each.what, each.until, each.end) for each in temporary()] == [
        ("Fail 3 transcriptions", None, "when finished")
    ]


def test_each_kind_is_bounded() -> None:
    """Any number of killed and scheduled flags: the newest killed and the next scheduled are listed."""
    soon = timezone.now() + timedelta(hours=1)
    for number in range(14):
        flag = services.create(actor(), f"killed-{number:02}", {}, State.RULES)
        services.set_state(actor(), flag.pk, State.OFF)
        services.create(actor(), f"coming-{number:02}", {"on_at": soon + timedelta(minutes=number)}, State.RULES)
    found = [each.what for each in temporary()]
    assert len(found) == 2 * SHOWN
    assert found[0] == "coming-00 turns on" and "killed-13 is off for everyone" in found
    assert "killed-00 is off for everyone" not in found


def test_only_the_entries_that_are_shown_are_read() -> None:
    """Of any number of flags that were turned off, the entries of the newest are fetched, and none of a creation."""
    for number in range(4):
        flag = services.create(actor(), f"killed-{number}", {}, State.RULES)
        services.set_state(actor(), flag.pk, State.OFF)
    services.create(actor(), "began-off", {})
    pks = [str(flag.pk) for flag in Flag.objects.order_by("pk")]
    found = queries.last_changes("flag", pks, ["everyone"], edits=2)
    assert {entry.target_label for entry in found.values()} == {"killed-2", "killed-3"}
    assert len(queries.last_changes("flag", pks, ["everyone"])) == 5


def test_a_flag_with_many_edits_is_found_by_its_newest(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Edits of other fields do not hide who scheduled a flag, and the queries do not grow with its entries."""
    later = timezone.now() + timedelta(hours=2)
    flag = services.create(actor(name="planner"), "ending", {"off_at": later}, State.RULES)
    with CaptureQueriesContext(connection) as few:
        temporary()
    for number in range(30):
        services.edit(actor(), flag.pk, {"note": f"edit {number}"}, number + 1)
    with django_assert_num_queries(len(few)):
        [found] = temporary()
    assert (found.what, found.actor) == ("ending turns off", "planner")


@pytest.mark.parametrize(("looked_at", "who"), [(3, ""), (5, "planner")])
def test_only_the_newest_entries_of_a_flag_are_looked_at(
    looked_at: int, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the newest entries nothing is read: the change is listed without a name."""
    monkeypatch.setattr(queries, "LOOKED_AT", looked_at)
    later = timezone.now() + timedelta(hours=2)
    flag = services.create(actor(name="planner"), "ending", {"off_at": later}, State.RULES)
    for number in range(4):
        services.edit(actor(), flag.pk, {"note": f"edit {number}"}, number + 1)
    assert [each.actor for each in temporary()] == [who]
