"""What the overview lists as temporarily in force."""

import pytest

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
