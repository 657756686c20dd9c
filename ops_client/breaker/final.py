"""What the user of a provider gets in the end, after retries and fallbacks."""

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ops_client.errors import OpsError

if TYPE_CHECKING:
    from ops_client.breaker.breaker import Breaker

Call = TypeVar("Call", bound=Callable[..., Any])
_within: ContextVar[frozenset[str]] = ContextVar("ops_client_final", default=frozenset())


class Final:
    """Everything inside counts as one final call, failed if an error escapes. A context manager or a decorator.

    Put it around the retry and the fallback: `@breaker.final()` above `@retry_with_backoff()` above `@breaker`.
    """

    def __init__(self, breaker: "Breaker") -> None:
        self._breaker = breaker
        self._before: frozenset[str] = frozenset()

    def __enter__(self) -> "Final":
        self._before = _within.get()
        _within.set(self._before | {self._breaker.name})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _within.set(self._before)
        if self._breaker.name in self._before:
            return
        if error is None or isinstance(error, Exception):
            self._breaker.count_final(failed=error is not None and self._is_failure(error))

    def __call__(self, function: Call) -> Call:
        # A Final serves one call; each call of the function takes its own.
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def guarded_async(*args: Any, **kwargs: Any) -> Any:
                with Final(self._breaker):
                    return await function(*args, **kwargs)

            return cast(Call, guarded_async)

        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with Final(self._breaker):
                return function(*args, **kwargs)

        return cast(Call, guarded)

    def _is_failure(self, error: Exception) -> bool:
        # A refusal is no failure of the provider, but its user went without an answer.
        return isinstance(error, OpsError) or self._breaker.is_failure(error)


def counted_around(name: str) -> bool:
    """Whether an enclosing call counts this one as final."""
    return name in _within.get()
