"""One call through a breaker, and what is known of the calls around it."""

from collections.abc import Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ops_client.breaker.machine import Permit
from ops_client.breaker.shared import Lease

if TYPE_CHECKING:
    from ops_client.breaker.breaker import Breaker

_innermost: ContextVar["Attempt | None"] = ContextVar("ops_client_attempt", default=None)


class Attempt:
    """A call, as a context manager. Within a call through the same breaker it is part of that one.

    An error that an inner breaker has counted is not counted again by the breakers around it: one failing
    provider must not open its callers' breakers too.
    """

    __slots__ = ("_answer_failed", "_breaker", "_counted", "_outer", "_permit", "_started")

    def __init__(self, breaker: "Breaker") -> None:
        self._breaker = breaker
        self._permit: Permit | Lease | None = None
        self._answer_failed = False

    def __enter__(self) -> "Attempt":
        self._outer = outer = _innermost.get()
        self._counted: list[BaseException] = [] if outer is None else outer._counted
        if outer is None or not outer._is_within(self._breaker):
            self._permit = self._breaker.admit()
        _innermost.set(self)
        self._started = self._breaker.monotonic()
        return self

    def answered(self, answer: Any) -> None:
        """Tell what the provider answered, where an answer, and no exception, may mean failure."""
        self._answer_failed = self._breaker.is_failed_answer(answer)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Set, not reset: frameworks leave a generator in another context than they entered it.
        _innermost.set(self._outer)
        permit = self._permit
        if permit is None:
            return
        if error is None:
            self._settle(permit, self._answer_failed)
        elif isinstance(error, Exception) and not self._was_counted(error):
            # A cancelled call (no Exception) says nothing of the provider.
            failed = self._breaker.is_failure(error)
            if failed:
                self._counted.append(error)
            self._settle(permit, failed)

    def _settle(self, permit: Permit | Lease, failed: bool) -> None:
        self._breaker.settle(permit, failed, self._started)

    def _is_within(self, breaker: "Breaker") -> bool:
        attempt: Attempt | None = self
        while attempt is not None:
            if attempt._breaker is breaker:
                return True
            attempt = attempt._outer
        return False

    def _was_counted(self, error: BaseException) -> bool:
        return bool(self._counted) and any(link is seen for link in _chain(error) for seen in self._counted)


def innermost() -> Attempt:
    """The call that this thread or task is in. Raises LookupError outside of one."""
    attempt = _innermost.get()
    if attempt is None:
        raise LookupError("no call through a breaker is under way here")
    return attempt


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from, however it is wrapped; a ring of causes ends."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
