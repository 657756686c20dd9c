"""How often each answer was given: counted in memory, sent a little later, added up by the hour in the database."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence

from ops_client.batches import ROWS_AT_ONCE, write_each
from ops_client.clock import Clock
from ops_client.errors import StoreUnavailable
from ops_client.store import Store
from ops_client.text import replace_unstorable

# A name that nobody defined may come out of a loop; beyond this many they are counted under one name.
MOST_UNDEFINED = 1_000
OTHERS = "(others)"
LONGEST_NAME = 100
# Kept so long while the database is unreachable. Older counts would be written into an hour that they do not belong to.
KEPT_SECONDS = 3600.0

# A flag's name, the variant that was given or "", and whether the flag was on.
Key = tuple[str, str, bool]


class Counter:
    """A count that many threads add to without a lock: each `up()` is one step of the interpreter.

    (That holds with the global interpreter lock; an interpreter built without it may count too few.)
    """

    __slots__ = ("_looks", "_seen", "up")

    def __init__(self) -> None:
        self.up: Callable[[], int] = itertools.count().__next__
        self._looks = 0
        self._seen = 0

    def new(self) -> int:
        """How many were not yet `seen`. One thread looks at a time."""
        # Looking at such a count is adding to it, so looks are taken off again.
        total = self.up() - self._looks
        self._looks += 1
        return total - self._seen

    def seen(self, count: int) -> None:
        """These were sent, or given up."""
        self._seen += count


class Usage:
    """The counts of one process. `dropped` are those that could not be sent in time, or were refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counters: dict[Key, Counter] = {}
        self._undefined: set[str] = set()
        self._sending = threading.Lock()
        self._sent_at = clock.monotonic()
        self.dropped = 0

    def counted_as(self, name: object, defined: bool) -> str:
        """The name that a flag is counted under: its own, unless too many others are as undefined as it is.

        A caller may ask for what is no text; among texts it could not be sorted, and would stop all the others.
        """
        name = name if isinstance(name, str) else str(name)
        if defined or name in self._undefined:
            return name
        if len(self._undefined) >= MOST_UNDEFINED:
            return OTHERS
        self._undefined.add(name)
        return name

    def counter(self, name: str, variant: str, result: bool) -> Callable[[], int]:
        """What to call at each such answer."""
        key = (name, variant, result)
        counter = self._counters.get(key) or self._counters.setdefault(key, Counter())
        return counter.up

    def send(self, store: Store, service: str) -> None:
        """Add what is new to the hour. Raises StoreUnavailable; what was not sent is kept for a while."""
        with self._sending:
            self._send(store, service)

    def _send(self, store: Store, service: str) -> None:
        new = [(key, counter, count) for key, counter in list(self._counters.items()) if (count := counter.new())]
        new.sort(key=lambda each: each[0])
        written: set[Key] = set()

        def add(few: Sequence[tuple[Key, Counter, int]]) -> None:
            _add(store, service, [(key, count) for key, _, count in few])
            for key, counter, count in few:
                counter.seen(count)
                written.add(key)

        try:
            if write_each(new, add, "flag usage", ROWS_AT_ONCE):
                for key, counter, count in new:
                    if key not in written:
                        counter.seen(count)
                        self.dropped += count
        except StoreUnavailable:
            self._give_up_old()
            raise
        self._sent_at = self._clock.monotonic()

    def _give_up_old(self) -> None:
        if self._clock.monotonic() - self._sent_at < KEPT_SECONDS:
            return
        for counter in list(self._counters.values()):
            count = counter.new()
            counter.seen(count)
            self.dropped += count
        self._sent_at = self._clock.monotonic()


def _add(store: Store, service: str, counts: list[tuple[Key, int]]) -> None:
    rows: dict[Key, int] = defaultdict(int)
    for (flag, variant, result), count in counts:
        rows[_name(flag), _name(variant), result] += count
    # In one order everywhere: two processes that add to the same rows wait for each other, and never in a ring.
    ordered = sorted(rows)
    store.execute(
        "add_flag_usage",
        service=service,
        flags=[flag for flag, _, _ in ordered],
        variants=[variant for _, variant, _ in ordered],
        results=[result for _, _, result in ordered],
        counts=[rows[key] for key in ordered],
    )


def _name(text: str) -> str:
    return str(replace_unstorable(text[:LONGEST_NAME]))
