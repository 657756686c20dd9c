"""Writing rows in batches in which one row that the database refuses costs no other row."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from ops_client.errors import StoreRefused

logger = logging.getLogger("ops_client")
ROWS_AT_ONCE = 1_000
# Halving finds one bad row in a thousand in 20 statements. Beyond so many refusals, what is refused is dropped whole.
MOST_REFUSALS = 64
T = TypeVar("T")


def write_each(
    rows: Sequence[T], write: Callable[[Sequence[T]], object], what: str, most_at_once: int = ROWS_AT_ONCE
) -> int:
    """Have `write` store all rows, in their order; the number of those that the database refused, which are dropped.

    `write` is called with as many rows as possible, and with halves of what was refused. Raises StoreUnavailable: what
    `write` was called with before that is stored.
    """
    dropped = refusals = 0
    waiting = [rows[start : start + most_at_once] for start in range(0, len(rows), most_at_once)][::-1]
    while waiting:
        few = waiting.pop()
        try:
            write(few)
        except StoreRefused as error:
            refusals += 1
            if len(few) > 1 and refusals < MOST_REFUSALS:
                middle = len(few) // 2
                waiting += [few[middle:], few[:middle]]
            else:
                dropped += len(few)
                logger.warning("ops_client: %d of %s dropped: %s", len(few), what, error.message)
    return dropped
