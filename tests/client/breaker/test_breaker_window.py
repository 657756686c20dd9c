"""What a process remembers of its last calls."""

from hypothesis import given
from hypothesis import strategies as st

from ops_client.breaker.machine import BreakerConfig, Counts
from ops_client.breaker.window import CallWindow, TimeWindow, window_for


@given(st.integers(1, 8), st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_call_window_is_the_last_calls(size, results):
    """A window of calls holds exactly the last so many."""
    window = CallWindow(size)
    for failed, slow in results:
        window.add(failed, slow, 0)
    last = results[-size:]
    assert window.counts(0) == Counts(len(last), sum(f for f, _ in last), sum(s for _, s in last))


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), min_size=1, max_size=60))
def test_time_window_is_the_last_seconds(results):
    """A window of time holds all of its last nine tenths, and nothing older than itself."""
    window, now, seen = TimeWindow(10), 1_000.0, []
    for pause, failed in results:
        now += pause
        window.add(failed, False, now)
        seen.append((now, failed))
    counted = window.counts(now).calls
    assert sum(at > now - 9 for at, _ in seen) <= counted <= sum(at >= now - 10 for at, _ in seen)


def test_time_window_empties():
    """After a silence longer than the window nothing is left."""
    window = TimeWindow(10)
    window.add(True, True, 5)
    assert window.counts(5) == Counts(1, 1, 1)
    assert window.counts(1_000_000) == Counts()


def test_clear_forgets():
    """A new epoch begins with nothing, in either kind."""
    for window in (CallWindow(3), TimeWindow(3)):
        window.add(True, True, 1)
        window.clear()
        assert window.counts(1) == Counts()


def test_configuration_picks_the_window():
    """The setting that is given says which window is kept."""
    assert isinstance(window_for(BreakerConfig(window_calls=10)), CallWindow)
    assert isinstance(window_for(BreakerConfig(window_seconds=10)), TimeWindow)
