"""Writing rows in batches in which one row that the database refuses costs no other row."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ops_client.errors import StoreRefused

logger = logging.getLogger("ops_client")
ROWS_AT_ONCE = 1_000
# Halving finds one bad row in a thousand in 20 statements. Where so many were refused, single rows cost fewer.
MOST_HALVINGS = 64
# If all rows are refused (a column is missing, for instance), the search for healthy rows must not block other jobs.
SEARCH_SECONDS = 5.0
T = TypeVar("T")


def write_each(
    rows: Sequence[T],
    write: Callable[[Sequence[T]], object],
    what: str,
    most_at_once: int = ROWS_AT_ONCE,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Have `write` store all rows, in their order; the number of those that the database refused, which are dropped.

    `write` is called with as many rows as possible, with halves of what was refused, and with single rows where much
    was refused. After SEARCH_SECONDS what is refused is dropped whole. Raises StoreUnavailable: what `write` was called
    with before that is stored.
    """
    dropped = refusals = 0
    reason = ""
    ends_at = monotonic() + SEARCH_SECONDS
    waiting = [rows[start : start + most_at_once] for start in range(0, len(rows), most_at_once)][::-1]
    try:
        while waiting:
            few = waiting.pop()
            try:
                write(few)
            except StoreRefused as error:
                refusals += 1
                if len(few) == 1 or monotonic() >= ends_at:
                    dropped += len(few)
                    reason = reason or error.message
                else:
                    size = len(few) // 2 if refusals < MOST_HALVINGS else 1
                    waiting += [few[start : start + size] for start in range(0, len(few), size)][::-1]
    finally:
        if dropped:
            logger.warning("ops_client: %d of %s dropped: %s", dropped, what, reason)
    return dropped
