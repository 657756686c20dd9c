"""The state machine of a breaker."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.breaker.machine import (
    BreakerConfig,
    Counts,
    Mode,
    Override,
    Permit,
    Refusal,
    State,
    Status,
    ask,
    report,
    trips,
)
from ops_client.errors import InvalidInput

FIVE = BreakerConfig.consecutive(5, open_seconds=60)
OPEN = State(Status.OPEN, epoch=3, since=100)
FULL = Counts(calls=5, failures=5)


def probe_of(state: State, now: float) -> tuple[State, Permit]:
    state, permit = ask(FIVE, state, now)
    assert isinstance(permit, Permit)
    assert permit.probe
    return state, permit


def test_closed_lets_calls_through():
    """A closed breaker gives a permit and does not change."""
    assert ask(FIVE, State(), 0) == (State(), Permit(0))


def test_opens_when_the_window_trips():
    """A failure that brings the window to the limit opens, in a new epoch."""
    assert report(FIVE, State(), Permit(0), True, False, FULL, 7) == State(Status.OPEN, 1, 7)


def test_stays_closed_below_the_limit():
    """A failure below the limit changes nothing."""
    assert report(FIVE, State(), Permit(0), True, False, Counts(5, 4), 7) == State()


def test_a_good_result_never_opens():
    """Whatever the window holds, a call that went well does not open."""
    assert report(FIVE, State(), Permit(0), False, False, FULL, 7) == State()


def test_open_refuses_until_its_time():
    """An open breaker refuses, and says how long it still will."""
    assert ask(FIVE, OPEN, 130) == (OPEN, Refusal(30))


def test_after_its_time_one_call_is_the_probe():
    """The first to ask after the open time gets the probe, in a new epoch."""
    state, permit = probe_of(OPEN, 160)
    assert state == State(Status.HALF_OPEN, 4, 160, 190)
    assert permit.epoch == 4


@given(st.lists(st.floats(160, 189.9), min_size=1, max_size=30))
def test_half_open_gives_exactly_one_probe(moments):
    """However many ask while the probe is out, only the first is let through."""
    state, given_out = OPEN, 0
    for now in sorted(moments):
        state, answer = ask(FIVE, state, now)
        given_out += isinstance(answer, Permit)
    assert given_out == 1


def test_probe_that_goes_well_closes():
    """A probe that goes well closes the breaker, in a new epoch."""
    state, permit = probe_of(OPEN, 160)
    assert report(FIVE, state, permit, False, False, Counts(), 161) == State(Status.CLOSED, 5, 161)


@pytest.mark.parametrize(("failed", "slow"), [(True, False), (False, True)])
def test_bad_probe_opens_again(failed, slow):
    """A probe that fails or drags opens the breaker for another whole time."""
    state, permit = probe_of(OPEN, 160)
    state = report(FIVE, state, permit, failed, slow, Counts(), 161)
    assert state == State(Status.OPEN, 5, 161)
    assert ask(FIVE, state, 220)[1] == Refusal(1)


def test_lost_probe_is_given_out_again():
    """A probe that never comes back gives its place to another when its lease runs out."""
    state, _ = probe_of(OPEN, 160)
    assert ask(FIVE, state, 189)[1] == Refusal(1)
    state, permit = probe_of(state, 190)
    assert permit.epoch == state.epoch == 5


@pytest.mark.parametrize("failed", [True, False])
def test_result_of_an_older_epoch_is_dropped(failed):
    """A call that began before the last transition changes nothing."""
    state, _ = probe_of(OPEN, 160)
    for old in range(state.epoch):
        assert report(FIVE, state, Permit(old), failed, False, FULL, 161) == state


def test_late_result_of_a_lost_probe_is_dropped():
    """A probe whose lease ran out no longer speaks for the provider."""
    state, lost = probe_of(OPEN, 160)
    state, _ = probe_of(state, 200)
    assert report(FIVE, state, lost, False, False, Counts(), 201) == state


def test_forced_open_refuses_until_it_expires():
    """Forced open, a closed breaker refuses, and says until when."""
    override = Override(Mode.FORCE_OPEN, expires_at=50)
    assert ask(FIVE, State(), 20, override) == (State(), Refusal(30))
    assert ask(FIVE, State(), 50, override) == (State(), Permit(0))


@pytest.mark.parametrize("mode", [Mode.FORCE_CLOSED, Mode.DISABLED])
def test_forced_closed_lets_through_and_learns_nothing(mode):
    """Forced closed or disabled, an open breaker lets calls through, and their results change nothing."""
    state, permit = ask(FIVE, OPEN, 110, Override(mode, expires_at=150))
    assert state == OPEN
    assert isinstance(permit, Permit)
    assert not permit.counts
    assert report(FIVE, OPEN, permit, True, False, FULL, 111) == OPEN


def test_failure_rate_needs_minimum_calls():
    """The failure rate counts only once enough calls are known."""
    config = BreakerConfig(failure_rate=0.5, minimum_calls=10, window_seconds=30)
    assert not trips(config, Counts(9, 9))
    assert trips(config, Counts(10, 5))
    assert not trips(config, Counts(11, 5))


def test_rate_is_met_exactly():
    """A share that equals the limit trips, whatever binary fractions make of it."""
    config = BreakerConfig(failure_rate=0.1, minimum_calls=30, window_calls=30)
    assert trips(config, Counts(30, 3))


def test_slow_calls_open():
    """Calls that are slow too often trip, where the breaker knows what slow is."""
    known = BreakerConfig(window_calls=10, slow_call_seconds=5, slow_call_rate=0.8)
    assert trips(known, Counts(10, 0, 8))
    assert not trips(known, Counts(10, 0, 7))
    assert not trips(BreakerConfig(window_calls=10, slow_call_rate=0.8), Counts(10, 0, 10))


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("window_calls", {}),
        ("window_calls", {"window_calls": 10, "window_seconds": 10}),
        ("window_calls", {"window_calls": 0}),
        ("window_seconds", {"window_seconds": 0}),
        ("window_seconds", {"window_seconds": float("nan")}),
        ("failure_rate", {"window_calls": 10, "failure_rate": 0}),
        ("failure_rate", {"window_calls": 10, "failure_rate": 1.1}),
        ("slow_call_rate", {"window_calls": 10, "slow_call_rate": float("nan")}),
        ("slow_call_seconds", {"window_calls": 10, "slow_call_seconds": 0}),
        ("minimum_calls", {"window_seconds": 10, "minimum_calls": 0}),
        ("minimum_calls", {"window_calls": 5, "minimum_calls": 6}),
        ("open_seconds", {"window_calls": 10, "open_seconds": -1}),
        ("probe_seconds", {"window_calls": 10, "probe_seconds": float("inf")}),
    ],
)
def test_bad_setting_is_refused(field, settings):
    """A setting that cannot work is refused by its name."""
    with pytest.raises(InvalidInput) as caught:
        BreakerConfig(**settings)
    assert caught.value.field == field


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.booleans()), max_size=60))
def test_epoch_only_grows(steps):
    """Through any run of calls the epoch grows exactly when the status changes or a probe is given out."""
    state, now = State(), 0.0
    for pause, failed, full in steps:
        now += pause
        before = state
        state, answer = ask(FIVE, state, now)
        assert (state.epoch == before.epoch) is (state == before)
        if isinstance(answer, Permit):
            after = report(FIVE, state, answer, failed, False, FULL if full else Counts(), now)
            assert after.epoch - state.epoch == (after.status is not state.status)
            state = after
