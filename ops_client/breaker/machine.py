"""The state machine of a breaker. Pure: a state, what happened and a time give the next state.

Times are seconds on any one clock: a process uses its monotonic clock, the fleet the database's. A permit
carries the epoch in which it was given; every transition begins a new one, and a result of an older epoch
changes nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

from ops_client.errors import InvalidInput


class Status(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Mode(StrEnum):
    """What an operator can lay over the machine."""

    FORCE_OPEN = "force_open"
    FORCE_CLOSED = "force_closed"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """When a breaker opens and for how long. Rates are 0..1; exactly one of the two windows is set.

    It opens when at least `minimum_calls` of the window are known and the share that failed reaches
    `failure_rate`, or the share that took longer than `slow_call_seconds` reaches `slow_call_rate`.
    Raises InvalidInput, naming the field.
    """

    failure_rate: float = 0.5
    minimum_calls: int = 10
    window_calls: int | None = None
    window_seconds: float | None = None
    slow_call_seconds: float | None = None
    slow_call_rate: float = 1.0
    open_seconds: float = 60.0
    probe_seconds: float = 30.0

    def __post_init__(self) -> None:
        if (self.window_calls is None) == (self.window_seconds is None):
            raise InvalidInput("window_calls", "set either window_calls or window_seconds, not both")
        for field in ("failure_rate", "slow_call_rate"):
            if not 0 < getattr(self, field) <= 1:
                raise InvalidInput(field, "is a share above 0 and at most 1")
        for field in ("window_seconds", "slow_call_seconds", "open_seconds", "probe_seconds"):
            seconds = getattr(self, field)
            if seconds is not None and not (isfinite(seconds) and seconds > 0):
                raise InvalidInput(field, "is a number of seconds above 0")
        if self.window_calls is not None and self.window_calls < 1:
            raise InvalidInput("window_calls", "is at least 1")
        if self.minimum_calls < 1:
            raise InvalidInput("minimum_calls", "is at least 1")
        if self.window_calls is not None and self.minimum_calls > self.window_calls:
            raise InvalidInput("minimum_calls", "is at most window_calls, or the breaker could never open")

    @classmethod
    def consecutive(cls, failures: int, open_seconds: float = 60.0) -> "BreakerConfig":
        """Open after this many failures in a row: a window of that length, all of it failed."""
        return cls(failure_rate=1.0, minimum_calls=failures, window_calls=failures, open_seconds=open_seconds)


class Counts(NamedTuple):
    """What a window holds."""

    calls: int = 0
    failures: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Where a breaker stands. `probe_until` is when the lease of the one probe of half-open runs out."""

    status: Status = Status.CLOSED
    epoch: int = 0
    since: float = 0.0
    probe_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's order; `expires_at` is on the clock that `now` comes from."""

    mode: Mode
    expires_at: float


class Permit(NamedTuple):
    """Permission for one call; passed to `report` with its result.

    `counts` False: the result changes nothing and belongs in no window.
    """

    epoch: int
    probe: bool = False
    counts: bool = True


class Refusal(NamedTuple):
    """No call is made; a permit can be had in this many seconds at the earliest."""

    retry_after_seconds: float


def ask(
    config: BreakerConfig, state: State, now: float, override: Override | None = None
) -> tuple[State, Permit | Refusal]:
    """May a call be made? In half-open one caller gets the probe, and all the others are refused."""
    mode = mode_in_force(override, now)
    if mode is Mode.FORCE_OPEN and override is not None:
        return state, Refusal(override.expires_at - now)
    if mode is not None:
        return state, Permit(state.epoch, counts=False)
    if state.status is Status.CLOSED:
        return state, Permit(state.epoch)
    wait = _wait_seconds(config, state, now)
    if wait > 0:
        return state, Refusal(wait)
    probing = State(Status.HALF_OPEN, state.epoch + 1, now, now + config.probe_seconds)
    return probing, Permit(probing.epoch, probe=True)


def report(
    config: BreakerConfig, state: State, permit: Permit, failed: bool, slow: bool, counts: Counts, now: float
) -> State:
    """What a call's result does. `counts` is the window with this result in it; a probe needs none.

    Only a bad result opens: while closed, a caller need not report a good one.
    """
    if permit.epoch != state.epoch or not permit.counts:
        return state
    bad = failed or slow
    if state.status is Status.CLOSED:
        return opened(state, now) if bad and trips(config, counts) else state
    return opened(state, now) if bad else State(Status.CLOSED, state.epoch + 1, now)


def trips(config: BreakerConfig, counts: Counts) -> bool:
    """Does a window with these counts open the breaker? The fleet asks the same of everybody's counts."""
    if counts.calls < config.minimum_calls:
        return False
    if counts.failures / counts.calls >= config.failure_rate:
        return True
    return config.slow_call_seconds is not None and counts.slow / counts.calls >= config.slow_call_rate


def opened(state: State, now: float) -> State:
    return State(Status.OPEN, state.epoch + 1, now)


def mode_in_force(override: Override | None, now: float) -> Mode | None:
    return override.mode if override is not None and now < override.expires_at else None


def _wait_seconds(config: BreakerConfig, state: State, now: float) -> float:
    ready_at = state.probe_until if state.status is Status.HALF_OPEN else state.since + config.open_seconds
    return ready_at - now
