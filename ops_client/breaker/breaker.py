"""A breaker around the calls to one provider. It decides in memory; nothing here waits for the database."""

import inspect
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, NamedTuple, TypeVar, cast

from ops_client.breaker import classify
from ops_client.breaker.attempt import Attempt, innermost
from ops_client.breaker.final import Final, counted_around
from ops_client.breaker.fleet import Fleet
from ops_client.breaker.machine import (
    BreakerConfig,
    Counts,
    Mode,
    Permit,
    Refusal,
    State,
    Status,
    ask,
    mode_in_force,
    report,
)
from ops_client.breaker.shared import Lease, Shared
from ops_client.breaker.tally import Tally
from ops_client.breaker.window import window_for
from ops_client.errors import BreakerOpen

Call = TypeVar("Call", bound=Callable[..., Any])
Answer = TypeVar("Answer")

# A process that made no call for so long has no opinion of the provider.
QUIET_SECONDS = 60.0
_UNGUARDED = Permit(epoch=-1, counts=False)


class Outlook(NamedTuple):
    """What this process sees of the provider, for the fleet to weigh."""

    status: Status
    epoch: int
    counts: Counts


class Breaker:
    """Guards calls: as a decorator (plain or async), `with breaker:`, `.call(f)` and `await .acall(f)`.

    All of them raise BreakerOpen instead of calling while the provider is left alone. Safe between threads; the
    lock is held for the arithmetic only, never during the call. `OpsClient.breaker` makes it.
    """

    def __init__(
        self,
        name: str,
        config: BreakerConfig,
        *,
        monotonic: Callable[[], float],
        wake: Callable[[], object] = lambda: None,
        is_failure: classify.IsFailure = classify.is_failure,
        is_failed_answer: classify.IsFailedAnswer = classify.is_failed_answer,
    ) -> None:
        self.name = name
        self.config = config
        self.monotonic = monotonic
        self.is_failure = is_failure
        self.is_failed_answer = is_failed_answer
        self._wake = wake
        self._slow_call_seconds = config.slow_call_seconds
        self._fleet = Fleet(config.open_seconds)
        self._state = State()
        self._window = window_for(config)
        self.forget_parent()

    def forget_parent(self) -> None:
        """In the child of a fork: locks and counts of the parent are not ours."""
        self._lock = threading.Lock()
        self._asleep = True
        self._freely: Permit | None = None
        self._tally = Tally()
        self._fleet.forget_parent()
        self._turned = False
        self._called_at = self.monotonic()

    def __call__(self, function: Call) -> Call:
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def guarded_async(*args: Any, **kwargs: Any) -> Any:
                return await self.acall(function, *args, **kwargs)

            return cast(Call, guarded_async)

        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return self.call(function, *args, **kwargs)

        return cast(Call, guarded)

    def call(self, function: Callable[..., Answer], *args: Any, **kwargs: Any) -> Answer:
        """Make the call. Raises BreakerOpen, or what the function raises."""
        with Attempt(self) as attempt:
            answer = function(*args, **kwargs)
            attempt.answered(answer)
            return answer

    async def acall(self, function: Callable[..., Awaitable[Answer]], *args: Any, **kwargs: Any) -> Answer:
        """The same for an async function."""
        with Attempt(self) as attempt:
            answer = await function(*args, **kwargs)
            attempt.answered(answer)
            return answer

    def __enter__(self) -> Attempt:
        return Attempt(self).__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        innermost().__exit__(kind, error, trace)

    def final(self) -> Final:
        """A context manager or decorator around retries and fallbacks: what is inside counts as one final call."""
        return Final(self)

    def admit(self) -> Permit | Lease:
        """May a call be made now? Raises BreakerOpen."""
        freely = self._freely
        if freely is not None:
            return freely
        if self._asleep:
            self._asleep = False
            self._wake()
        now = self.monotonic()
        with self._lock:
            self._called_at = now
            answer = self._ask(now)
            self._note_freedom()
            if not isinstance(answer, Refusal):
                return answer
            self._tally.refused += 1
            if not counted_around(self.name):
                self._tally.final(failed=True)
        raise BreakerOpen(self.name, answer.retry_after_seconds)

    def settle(self, permit: Permit | Lease, failed: bool, started_at: float) -> None:
        """Take in what came of a call that was admitted; `started_at` in monotonic seconds."""
        if permit is _UNGUARDED:
            return
        now = self.monotonic()
        limit = self._slow_call_seconds
        slow = limit is not None and now - started_at > limit
        is_final = not counted_around(self.name)
        with self._lock:
            self._called_at = now
            self._tally.attempt(failed, slow, is_final)
            if isinstance(permit, Lease):
                if self._fleet.settle(permit, failed or slow, now):
                    self._begin_afresh(now)
                self._note_freedom()
            elif permit.counts and permit.epoch == self._state.epoch:
                self._settle_own(permit, failed, slow, now)

    def count_final(self, failed: bool) -> None:
        """Count what the user got in the end."""
        with self._lock:
            self._tally.final(failed)

    def follow(self, shared: Shared) -> None:
        """Take over the fleet's state. A new epoch begins afresh: late results of the old one change nothing."""
        now = self.monotonic()
        with self._lock:
            if self._fleet.follow(shared):
                self._begin_afresh(now)
            self._note_freedom()

    @contextmanager
    def fleet(self) -> Iterator[Fleet]:
        """The fleet's side, for whoever talks to the database; held locked, so not for long."""
        with self._lock:
            yield self._fleet

    def status(self) -> Status:
        """What a caller meets here now: an operator's order, else the fleet's state, else this process's own."""
        now = self.monotonic()
        with self._lock:
            mode = mode_in_force(self._fleet.shared.override, now)
            if mode is not None:
                return Status.OPEN if mode is Mode.FORCE_OPEN else Status.CLOSED
            fleet = self._fleet.shared.status
            return fleet if fleet is not Status.CLOSED else self._state.status

    def outlook(self) -> Outlook:
        """What to report of this process."""
        now = self.monotonic()
        with self._lock:
            quiet = now - self._called_at > QUIET_SECONDS
            counts = Counts() if quiet else self._window.counts(now)
            return Outlook(self._state.status, self._fleet.shared.epoch, counts)

    def take_tally(self) -> Tally:
        """The counts since the last time; they are the caller's now."""
        with self._lock:
            tally, self._tally = self._tally, Tally()
            return tally

    def take_turned(self) -> bool:
        """Has this process changed its own mind since the last time?"""
        with self._lock:
            turned, self._turned = self._turned, False
            return turned

    def _ask(self, now: float) -> Permit | Lease | Refusal:
        override = self._fleet.shared.override
        mode = mode_in_force(override, now)
        if mode is Mode.DISABLED:
            return _UNGUARDED
        if mode is None and self._fleet.shared.status is not Status.CLOSED:
            return self._fleet.ask(now)
        self._state, answer = ask(self.config, self._state, now, override)
        self._turned |= isinstance(answer, Permit) and answer.probe
        return answer

    def _settle_own(self, permit: Permit, failed: bool, slow: bool, now: float) -> None:
        before = self._state
        if before.status is Status.CLOSED:
            self._window.add(failed, slow, now)
            if not (failed or slow):
                return
        self._state = report(self.config, before, permit, failed, slow, self._window.counts(now), now)
        if self._state.status is not before.status:
            self._turned = True
            self._note_freedom()
            if self._state.status is Status.CLOSED:
                self._window.clear()

    def _note_freedom(self) -> None:
        """While nothing stands in the way every call gets the same permit, and asks for no lock to get it."""
        shared, state = self._fleet.shared, self._state
        calm = shared.status is Status.CLOSED and shared.override is None and state.status is Status.CLOSED
        self._freely = Permit(state.epoch) if calm and not self._asleep else None

    def _begin_afresh(self, now: float) -> None:
        self._turned |= self._state.status is not Status.CLOSED
        self._state = State(Status.CLOSED, self._state.epoch + 1, now)
        self._window.clear()
