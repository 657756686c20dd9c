"""The most that users had used since it was last told: what the console tries a new limit on. In memory, bounded."""

import threading
from collections.abc import Sequence

from ops_client.batches import write_each
from ops_client.errors import StoreUnavailable
from ops_client.quotas.decide import LimitInForce
from ops_client.quotas.use import Use
from ops_client.store import Store

MOST_ROWS = 5_000
_Peak = tuple[int, str, LimitInForce]


class Peaks:
    """One process's peaks. Beyond MOST_ROWS between two reports new users are left out, and counted in `dropped`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], _Peak] = {}
        self.dropped = 0

    def note(self, use: Use, used: int, limit: LimitInForce) -> None:
        """Remember what a user had used with this call, refused or not."""
        key = (use.resource, use.user_id)
        with self._lock:
            known = self._waiting.get(key)
            if known is not None:
                self._waiting[key] = (max(used, known[0]), use.tier or "", limit)
            elif len(self._waiting) < MOST_ROWS:
                self._waiting[key] = (used, use.tier or "", limit)
            else:
                self.dropped += 1

    def tell(self, store: Store) -> None:
        """Write what has gathered into the hour in which it is told. What cannot be written is lost."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}

        def write(few: Sequence[tuple[tuple[str, str], _Peak]]) -> None:
            store.fetch(
                "quota_report_peaks",
                resources=[resource for (resource, _), _ in few],
                users=[user_id for (_, user_id), _ in few],
                tiers=[tier[:50] for _, (_, tier, _) in few],
                sources=[limit.source.value for _, (_, _, limit) in few],
                limits=[limit.limit for _, (_, _, limit) in few],
                peaks=[peak for _, (peak, _, _) in few],
            )

        try:
            self.dropped += write_each(list(waiting.items()), write, "quota peaks")
        except StoreUnavailable:
            self.dropped += len(waiting)
            raise
