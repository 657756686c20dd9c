"""How many operations are written in one transaction: a worker that finishes one of them waits for its end.

Many at once cost less; how many come within the time depends on the machine and on what else it does, so each slice
is measured and the next one sized by it.
"""

import math

TARGET_SECONDS = 0.1
# A slice takes a quarter more rather than leave a rest: each costs a transaction, an audit entry and an outbox row.
_SLACK = 1.25
FEWEST, MOST = 100, 2_000


class SliceSize:
    """The size of the next slice, by how long the last ones took."""

    def __init__(self, number: int = MOST // 4) -> None:
        self.number = number

    def of(self, left: int) -> int:
        """How many of so many that are left: all of them, or one of equal parts."""
        slices = math.ceil(left / (self.number * _SLACK))
        return math.ceil(left / max(slices, 1))

    def took(self, count: int, seconds: float) -> None:
        """Learn from a slice. A short one says little of long ones, and none is more than twice the last."""
        if count < FEWEST:
            return
        wanted = int(count * TARGET_SECONDS / max(seconds, 0.001))
        self.number = max(FEWEST, min(wanted, self.number * 2, MOST))
