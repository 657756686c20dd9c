"""What the overview lists as temporarily in force."""

from datetime import timedelta

import pytest
from django.utils import timezone

from flags import services
from flags.models import Flag, State
from ops_console.views.temporary import temporary
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
        ("coming comes on", "early", "", soon),
        ("ending goes off", "planner", "the campaign ends", later),
    ]
