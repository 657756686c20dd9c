"""Trying again, with care: only what can succeed, never at once, never for ever, and not on a provider that rests.

The call is made first, plainly; tenacity is entered only when it raised.
"""

import asyncio
import inspect
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import wraps
from math import inf, isfinite
from typing import Any, TypeVar, cast

from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception

from ops_client.errors import BreakerOpen, InvalidInput, OpsError
from ops_client.rewind import Body, body_of

logger = logging.getLogger("ops_client")
RETRYABLE_STATUSES = frozenset({408, 425, 429, 502, 503, 504})

Call = TypeVar("Call", bound=Callable[..., Any])
_waiting = True


class RetryBudget:
    """How many retries a process may make: `burst` at once, and `per_second` in the long run.

    When everything fails, retries are what keeps it down; beyond the budget the first error is the answer.
    """

    def __init__(
        self, per_second: float = 10.0, burst: int = 100, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if not (per_second >= 0 and burst >= 0):
            raise InvalidInput("burst", "neither burst nor per_second can be negative")
        self._per_second = per_second
        self._burst = burst
        self._left = float(burst)
        self._monotonic = monotonic
        self._at = monotonic()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry out of the budget; False when there is none."""
        with self._lock:
            now = self._monotonic()
            self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


PROCESS_BUDGET = RetryBudget()


@dataclass(frozen=True, slots=True)
class RetryDetails:
    """One retry that is about to be made, for a hook."""

    name: str
    attempt: int
    wait_seconds: float
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long. Durations in seconds. Raises InvalidInput, naming the field.

    The wait after attempt n is drawn from 0 to `base_seconds` doubled n - 1 times, at most `cap_seconds`, and
    what a Retry-After asks for is added, at most `retry_after_cap_seconds`. `deadline_seconds` is for the whole.
    """

    attempts: int = 4
    base_seconds: float = 0.5
    cap_seconds: float = 20.0
    retry_after_cap_seconds: float = 60.0
    deadline_seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InvalidInput("attempts", "is at least 1, the first call included")
        for field in ("base_seconds", "cap_seconds", "retry_after_cap_seconds", "deadline_seconds"):
            seconds = getattr(self, field)
            if not (isfinite(seconds) and seconds >= 0):
                raise InvalidInput(field, "is a number of seconds, 0 or more")

    def wait_seconds(self, attempt: int, error: BaseException | None) -> float:
        """How long to wait after this failed attempt."""
        doubled = self.base_seconds * 2.0 ** min(attempt - 1, 60)
        jitter = random.uniform(0, min(self.cap_seconds, doubled))  # noqa: S311
        return min(retry_after_seconds(error), self.retry_after_cap_seconds) + jitter


DEFAULT_POLICY = RetryPolicy()


def is_retryable(error: BaseException) -> bool:
    """Can the same call succeed a moment later? Lost connections, time-outs, and answers that say so."""
    if isinstance(error, OpsError):
        return error.retryable
    return isinstance(error, ConnectionError | TimeoutError) or _status(error) in RETRYABLE_STATUSES


def retry_after_seconds(error: BaseException | None) -> float:
    """What the other side asked for: an attribute of the error, or a Retry-After header; else 0."""
    asked = getattr(error, "retry_after_seconds", None)
    if asked is None:
        headers = getattr(getattr(error, "response", None), "headers", None)
        asked = headers.get("Retry-After") if isinstance(headers, Mapping) else None
    try:
        seconds = float(asked or 0)
    except (TypeError, ValueError, OverflowError):
        seconds = _seconds_until(str(asked))
    return seconds if 0 <= seconds < inf else 0.0


def retry_with_backoff(
    policy: RetryPolicy = DEFAULT_POLICY,
    *,
    retry_on: Callable[[BaseException], bool] = is_retryable,
    budget: RetryBudget = PROCESS_BUDGET,
    on_retry: Callable[[RetryDetails], None] | None = None,
) -> Callable[[Call], Call]:
    """Decorate a function, plain or `async`, so that it is tried again after an error that `retry_on` names.

    The last error is raised as it is. BreakerOpen is never retried, nor is a call with a stream among its arguments
    that cannot be rewound, or with more arguments than can be searched for one: a note on the error and a warning in
    the log say so. The object of a method is not searched. `on_retry` is called before the wait of each retry.
    """

    def decorate(function: Call) -> Call:
        guard = _Guard(function.__qualname__, policy, retry_on, budget, on_retry)
        wrapped = _async(function, guard) if inspect.iscoroutinefunction(function) else _sync(function, guard)
        return cast(Call, wrapped)

    return decorate


@contextmanager
def without_waiting() -> Iterator[None]:
    """For tests: retries happen, waits do not. Holds for the whole process while it lasts."""
    global _waiting
    _waiting = False
    try:
        yield
    finally:
        _waiting = True


@dataclass(frozen=True, slots=True)
class _Guard:
    """What is asked after each failed attempt of one function."""

    name: str
    policy: RetryPolicy
    retry_on: Callable[[BaseException], bool]
    budget: RetryBudget
    on_retry: Callable[[RetryDetails], None] | None

    def retries(self, error: BaseException, body: Body) -> bool:
        if isinstance(error, BreakerOpen) or not self.retry_on(error):
            return False
        if body.obstacle:
            reason = f"{self.name} is not tried again: {body.obstacle}"
            error.add_note(reason)
            logger.warning("ops_client: %s", reason)
        return not body.obstacle

    def options(self, started: float, body: Body) -> dict[str, Any]:
        """How tenacity goes on. It asks in this order: retry, wait, stop, before_sleep, sleep."""

        def stop(state: RetryCallState) -> bool:
            elapsed = time.monotonic() - started
            return (
                state.attempt_number >= self.policy.attempts
                or elapsed + state.upcoming_sleep > self.policy.deadline_seconds
                or not self.budget.take()
            )

        return {
            "retry": retry_if_exception(lambda error: self.retries(error, body)),
            "wait": lambda state: self.policy.wait_seconds(state.attempt_number, _error(state)),
            "stop": stop,
            "before_sleep": self._tell,
            "reraise": True,
        }

    def _tell(self, state: RetryCallState) -> None:
        error = _error(state)
        if self.on_retry is not None and error is not None:
            self.on_retry(RetryDetails(self.name, state.attempt_number, state.upcoming_sleep, error))


def _sync(function: Callable[..., Any], guard: _Guard) -> Callable[..., Any]:
    first = _first_argument(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        body = body_of(args[first:], kwargs)
        started = time.monotonic()
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not guard.retries(error, body):
                raise
            failed = [error]

        def again() -> Any:
            if failed:  # tenacity counts the call that was made before it was entered
                raise failed.pop()
            body.rewind()
            return function(*args, **kwargs)

        return Retrying(sleep=_sleep, **guard.options(started, body))(again)

    return call


def _async(function: Callable[..., Any], guard: _Guard) -> Callable[..., Any]:
    first = _first_argument(function)

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        body = body_of(args[first:], kwargs)
        started = time.monotonic()
        try:
            return await function(*args, **kwargs)
        except Exception as error:
            if not guard.retries(error, body):
                raise
            failed = [error]

        async def again() -> Any:
            if failed:
                raise failed.pop()
            body.rewind()
            return await function(*args, **kwargs)

        return await AsyncRetrying(sleep=_asleep, **guard.options(started, body))(again)

    return call


def _first_argument(function: Callable[..., Any]) -> int:
    """The first argument that may hold a body: what a method's own object holds is kept across attempts."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return 0
    return int(names[:1] in (["self"], ["cls"]))


def _sleep(seconds: float) -> None:
    if _waiting:
        time.sleep(seconds)


async def _asleep(seconds: float) -> None:
    await asyncio.sleep(seconds if _waiting else 0)


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None


def _status(error: BaseException) -> object:
    response = getattr(error, "response", error)
    return getattr(response, "status_code", None) or getattr(response, "status", None)


def _seconds_until(http_date: str) -> float:
    try:
        at = parsedate_to_datetime(http_date)
        return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):  # a year or an offset that no date has
        return 0.0
