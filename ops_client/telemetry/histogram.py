"""Durations in logarithmic buckets with edges that never change, so that histograms of all processes add up.

Bucket n holds what is above edge(n - 1) and at most edge(n). Edges are powers of the fortieth root of 5: 1 s
and 5 s are edges exactly, so "how many took over 5 s" is a count and no estimate; a quantile is within 2.1 %.
"""

from collections.abc import Mapping
from math import ceil, inf, log

from ops_client.errors import InvalidInput

STEPS = 40
LOWEST = -230  # 0.1 ms
HIGHEST = 220  # nearly two hours
_SCALE = STEPS / log(5)
_ROUNDING = 1e-9  # a value that is an edge must not land above it for the last bit of a logarithm
_MIDDLE = 5 ** (0.5 / STEPS)  # the geometric middle of a bucket, where the relative error is least
_SMALLEST = 5 ** (LOWEST / STEPS)
_LARGEST = 5 ** (HIGHEST / STEPS)


def edge(bucket: int) -> float:
    """The upper edge of a bucket, in seconds."""
    return float(5 ** (bucket / STEPS))


def bucket_of(seconds: float) -> int:
    """The bucket that a duration falls into; what is out of range falls into the first or the last."""
    if _SMALLEST < seconds <= _LARGEST:
        return ceil(log(seconds) * _SCALE - _ROUNDING)
    return HIGHEST if seconds > _LARGEST else LOWEST


class Histogram:
    """Counts by bucket and the sum of all seconds. Not locked: one thread's, or its recorder's lock."""

    __slots__ = ("counts", "total_seconds")

    def __init__(self, counts: Mapping[int, int] | None = None, total_seconds: float = 0.0) -> None:
        self.counts = dict(counts or {})
        self.total_seconds = total_seconds

    def observe(self, seconds: float) -> None:
        bucket = bucket_of(seconds)
        counts = self.counts
        counts[bucket] = counts.get(bucket, 0) + 1
        self.total_seconds += seconds

    def merge(self, other: "Histogram") -> None:
        """Add another histogram's counts to these."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total_seconds += other.total_seconds

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def quantile(self, rate: float) -> float | None:
        """The duration in seconds that a share of calls (0..1) stayed within; None where there were none."""
        if not 0 <= rate <= 1:
            raise InvalidInput("rate", "is a share from 0 to 1")
        rank = max(1, ceil(rate * self.count))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return edge(bucket - 1) * _MIDDLE
        return None

    def over_rate(self, seconds: float) -> float | None:
        """The share of calls (0..1) that took longer; exact where `seconds` is an edge, as 1 and 5 are."""
        total = self.count
        if not total:
            return None
        limit = bucket_of(seconds) if seconds < inf else HIGHEST
        return sum(count for bucket, count in self.counts.items() if bucket > limit) / total
