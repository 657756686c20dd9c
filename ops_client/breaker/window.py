"""What a process remembers of its last calls to a provider. Not locked: its breaker holds the lock."""

from typing import Protocol

from ops_client.breaker.machine import BreakerConfig, Counts

_FAILED = 1
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
    """The last so many calls, in a ring with running sums."""

    __slots__ = ("_failures", "_known", "_next", "_ring", "_slow")
    _failures: int
    _known: int
    _next: int
    _slow: int

    def __init__(self, calls: int) -> None:
        self._ring = bytearray(calls)
        self.clear()

    def add(self, failed: bool, slow: bool, now: float) -> None:  # noqa: ARG002 - the other window needs the time
        ring, position = self._ring, self._next
        outcome = failed | slow << 1
        before = ring[position]
        if outcome != before:
            ring[position] = outcome
            self._failures += (outcome & _FAILED) - (before & _FAILED)
            self._slow += (outcome >> 1) - (before >> 1)
        if self._known < len(ring):
            self._known += 1
        self._next = (position + 1) % len(ring)

    def counts(self, now: float) -> Counts:  # noqa: ARG002 - the other window needs the time
        return Counts(self._known, self._failures, self._slow)

    def clear(self) -> None:
        self._ring = bytearray(len(self._ring))
        self._next = self._known = self._failures = self._slow = 0


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
