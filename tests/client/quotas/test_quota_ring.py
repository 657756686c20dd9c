"""The true sliding window."""

from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops_client.quotas.decide import LimitInForce, Source
from ops_client.quotas.ring import BUCKETS, Ring, hit

EPOCH = 1_795_435_200.0

arrivals = st.lists(
    st.tuples(st.floats(0, 30) | st.sampled_from([0.0, 2.999, 3.0, 3.001]), st.integers(1, 4)),
    max_size=150,
)


def limited(limit: int | None) -> LimitInForce:
    return LimitInForce(limit, Source.DEFAULT, "everyone")


def let_through(limit: int, pauses, window: int = 60) -> list[tuple[float, int]]:
    ring, now, passed = Ring(), EPOCH, []
    for pause, cost in pauses:
        now += pause
        ring, decision = hit(ring, limited(limit), "api", now, window, cost)
        if decision.allowed:
            passed.append((now, cost))
    return passed


@settings(max_examples=300)
@given(st.integers(0, 12), arrivals)
def test_no_window_holds_more_than_the_limit(limit, pauses):
    """In any 60 seconds, wherever they begin, never more than the limit is let through."""
    passed = let_through(limit, pauses)
    for begin, _ in passed:
        assert sum(cost for at, cost in passed if begin <= at < begin + 60) <= limit


def test_overload_admits_nearly_everything_possible():
    """At 1.5 times overload the ring admits at least 94 % of what an exact log of all calls would."""
    pauses = [(60 / 150, 1)] * 6_000
    log: list[float] = []
    now = EPOCH
    for pause, _ in pauses:
        now += pause
        if sum(at > now - 60 for at in log[-100:]) < 100:
            log.append(now)
    assert len(let_through(100, pauses)) >= 0.94 * len(log)


def test_counts_down():
    """What remains goes down by the cost."""
    ring, first = hit(Ring(), limited(10), "api", EPOCH, 60, cost=3)
    _, second = hit(ring, limited(10), "api", EPOCH, 60)
    assert (first.remaining, second.remaining) == (7, 6)


def test_refused_call_is_not_counted():
    """A refused call takes nothing, so a client that keeps knocking is not locked out for ever."""
    ring, _ = hit(Ring(), limited(1), "api", EPOCH, 60)
    after, decision = hit(ring, limited(1), "api", EPOCH + 1, 60)
    assert not decision.allowed
    assert after.counts == ring.counts


@given(st.integers(1, 12), arrivals, st.integers(1, 4))
def test_retry_after_is_right(limit, pauses, cost):
    """A refused call passes when it comes back after its wait with nothing between, and not a bucket earlier."""
    ring, now = Ring(), EPOCH
    for pause, each in pauses:
        now += pause
        ring, decision = hit(ring, limited(limit), "api", now, 60, each)
        if not decision.allowed and decision.retryable:
            back = now + decision.retry_after_seconds
            assert hit(ring, limited(limit), "api", back + 1e-6, 60, each)[1].allowed
            assert not hit(ring, limited(limit), "api", back - 60 / BUCKETS - 1e-6, 60, each)[1].allowed
            assert decision.retry_after_seconds >= decision.reset_seconds


def test_cost_above_the_limit_is_not_retryable():
    """What can never fit says so."""
    assert hit(Ring(), limited(5), "api", EPOCH, 60, cost=6)[1].retryable is False


def test_limit_of_nothing():
    """A limit of 0 lets nothing through, and no wait helps."""
    decision = hit(Ring(), limited(0), "api", EPOCH, 60)[1]
    assert (decision.allowed, decision.retryable, decision.remaining) == (False, False, 0)


def test_no_limit_still_counts():
    """Without a limit everything passes and is counted, so that a limit set later holds at once."""
    ring, decision = hit(Ring(), limited(None), "api", EPOCH, 60, cost=500)
    assert (decision.allowed, decision.remaining) == (True, None)
    assert not hit(ring, limited(100), "api", EPOCH, 60)[1].allowed


def test_lowered_limit_holds_at_once():
    """A limit that is lowered counts what was let through under the old one."""
    ring, _ = hit(Ring(), limited(100), "api", EPOCH, 60, cost=50)
    assert not hit(ring, limited(20), "api", EPOCH + 1, 60)[1].allowed


@pytest.mark.parametrize("back", [1, 60, 86_400])
def test_clock_going_back_gives_nothing_back(back):
    """A clock that is set back lets nobody through again."""
    ring, _ = hit(Ring(), limited(1), "api", EPOCH, 60)
    assert not hit(ring, limited(1), "api", EPOCH - back, 60)[1].allowed


def test_ring_has_room_for_the_whole_window():
    """The ring keeps one bucket more than the window is long."""
    ring, _ = hit(Ring(), limited(5), "api", EPOCH, 60)
    assert ring.newest == floor(EPOCH * BUCKETS / 60)
    assert len(ring.counts) == BUCKETS + 1
