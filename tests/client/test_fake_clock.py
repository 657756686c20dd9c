"""The clock that users of the client test with."""

from datetime import UTC, datetime, timedelta

from ops_client.clock import Clock, SystemClock
from ops_client.testing import FakeClock


def test_moves_only_when_told():
    """Both of its times stand still, and move together."""
    clock = FakeClock(datetime(2026, 11, 23, tzinfo=UTC))
    before = (clock.now(), clock.monotonic())
    assert (clock.now(), clock.monotonic()) == before
    clock.advance(1.5)
    assert clock.now() - before[0] == timedelta(seconds=1.5)
    assert clock.monotonic() - before[1] == 1.5


def test_stands_in_for_the_real_one():
    """Both clocks give aware times in UTC."""
    clocks: list[Clock] = [FakeClock(), SystemClock()]
    assert all(clock.now().tzinfo is UTC for clock in clocks)
