"""An alert's states and quiet hours, on a clock of the test's own."""

from datetime import UTC, datetime, time, timedelta

import pytest

from incidents.alerts.machine import Event, Standing, State, Timing, gone, seen
from incidents.alerts.quiet import due_at

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMING = Timing(for_seconds=60, keep_firing_seconds=120)


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def test_what_is_seen_waits_before_it_fires():
    """It is pending until it was seen for long enough, then fires once."""
    standing, event = seen(None, TIMING, NOW)
    assert (standing.state, event) == (State.PENDING, None)
    standing, event = seen(standing, TIMING, later(59))
    assert (standing.state, event) == (State.PENDING, None)
    standing, event = seen(standing, TIMING, later(60))
    assert (standing.state, event) == (State.FIRING, Event.FIRED)
    assert seen(standing, TIMING, later(61))[1] is None


def test_without_a_wait_it_fires_at_once():
    """A rule without `for` fires at the first look."""
    assert seen(None, Timing(0, 0), NOW)[1] is Event.FIRED


def test_a_pending_one_that_is_gone_is_forgotten():
    """Nobody was told, so nobody is told that it is over."""
    standing, _ = seen(None, TIMING, NOW)
    assert gone(standing, TIMING, later(10)) == (None, None)


def test_a_firing_one_is_over_when_it_was_gone_long_enough():
    """A gap shorter than `keep_firing` does not end it; a longer one does, once."""
    firing = Standing(State.FIRING, NOW, NOW)
    assert gone(firing, TIMING, later(119)) == (firing, None)
    after, event = gone(firing, TIMING, later(120))
    assert (after.state, event) == (State.RESOLVED, Event.RESOLVED)


@pytest.mark.parametrize(
    ("clock", "quiet", "expected"),
    [
        ("12:00", ("22:00", "07:00"), "12:00"),
        ("22:00", ("22:00", "07:00"), "07:00+1"),
        ("23:30", ("22:00", "07:00"), "07:00+1"),
        ("03:00", ("22:00", "07:00"), "07:00"),
        ("07:00", ("22:00", "07:00"), "07:00"),
        ("12:30", ("12:00", "13:00"), "13:00"),
        ("13:00", ("12:00", "13:00"), "13:00"),
        ("12:00", ("12:00", "12:00"), "12:00"),
        ("12:00", (None, None), "12:00"),
    ],
)
def test_quiet_hours_hold_back_until_their_end(clock, quiet, expected):
    """Inside the quiet hours, also past midnight, a message waits for their end; outside it goes at once."""
    now = datetime.combine(NOW.date(), time.fromisoformat(clock), UTC)
    wanted, _, days = expected.partition("+")
    whole = datetime.combine(NOW.date(), time.fromisoformat(wanted), UTC) + timedelta(days=int(days or 0))
    begin, end = (time.fromisoformat(each) if each else None for each in quiet)
    assert due_at(now, begin, end, "UTC") == whole


def test_quiet_hours_are_of_their_own_zone():
    """22:00 to 07:00 in Prague in winter is 21:00 to 06:00 UTC; the night of the change to summer time is shorter."""
    begin, end = time(22), time(7)
    assert due_at(datetime(2026, 1, 10, 21, 30, tzinfo=UTC), begin, end, "Europe/Prague").hour == 6
    assert due_at(datetime(2026, 3, 28, 22, 0, tzinfo=UTC), begin, end, "Europe/Prague").hour == 5
