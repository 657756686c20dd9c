"""What a process remembers of its last calls to a provider. Its breaker holds the lock."""

from collections import deque
from typing import Protocol

from ops_client.breaker.machine import BreakerConfig, Counts

_FAILED = 1
_SLOW = 2
_BUCKETS = 10


class Window(Protocol):
    def add(self, failed: bool, slow: bool, now: float) -> None:
        """Remember one call."""

    def counts(self, now: float) -> Counts:
        """What is remembered at this time."""

    def clear(self) -> None:
        """Forget everything: a new epoch has begun."""


def window_for(config: BreakerConfig) -> Window:
    """An empty window of the kind and size that the configuration asks for."""
    if config.window_calls is not None:
        return CallWindow(config.window_calls)
    return TimeWindow(config.window_seconds or 0.0)


class CallWindow:
    """The last so many calls. `add` is one append to a deque, which threads may do together without a lock."""

    __slots__ = ("_results",)

    def __init__(self, calls: int) -> None:
        self._results: deque[int] = deque(maxlen=calls)

    def add(self, failed: bool, slow: bool, now: float) -> None:
        self._results.append(failed | slow << 1)

    def counts(self, now: float) -> Counts:
        results = list(self._results)
        both = results.count(_FAILED | _SLOW)
        return Counts(len(results), results.count(_FAILED) + both, results.count(_SLOW) + both)

    def clear(self) -> None:
        self._results.clear()


class TimeWindow:
    """The calls of the last so many seconds, in ten buckets; the oldest is dropped whole."""

    __slots__ = ("_buckets", "_newest", "_width_seconds")
    _buckets: list[list[int]]
    _newest: int

    def __init__(self, seconds: float) -> None:
        self._width_seconds = seconds / _BUCKETS
        self.clear()

    def add(self, failed: bool, slow: bool, now: float) -> None:
        bucket = self._turn(now)
        bucket[0] += 1
        if failed:
            bucket[1] += 1
        if slow:
            bucket[2] += 1

    def counts(self, now: float) -> Counts:
        self._turn(now)
        return Counts(*(sum(column) for column in zip(*self._buckets, strict=True)))

    def clear(self) -> None:
        self._buckets = [[0, 0, 0] for _ in range(_BUCKETS)]
        self._newest = 0

    def _turn(self, now: float) -> list[int]:
        """The bucket of this time, with those that have run out emptied; time never goes back here."""
        index = int(now / self._width_seconds)
        if index > self._newest:
            for passed in range(max(self._newest, index - _BUCKETS) + 1, index + 1):
                self._buckets[passed % _BUCKETS] = [0, 0, 0]
            self._newest = index
        return self._buckets[self._newest % _BUCKETS]
