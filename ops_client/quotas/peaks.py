"""The most that users had used since it was last told: what the console tries a new limit on. In memory, bounded."""

import threading

from ops_client.quotas.decide import LimitInForce
from ops_client.quotas.use import Use
from ops_client.store import Store

MOST_ROWS = 5_000
_Peak = tuple[int, str, LimitInForce]


class Peaks:
    """One process's peaks. Beyond MOST_ROWS between two tellings, new users are left out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], _Peak] = {}

    def note(self, use: Use, used: int, limit: LimitInForce) -> None:
        """Remember what a user had used with this call, refused or not."""
        key = (use.resource, use.user_id)
        with self._lock:
            known = self._waiting.get(key)
            if known is not None:
                self._waiting[key] = (max(used, known[0]), use.tier or "", limit)
            elif len(self._waiting) < MOST_ROWS:
                self._waiting[key] = (used, use.tier or "", limit)

    def tell(self, store: Store) -> None:
        """Write what has gathered into the hour in which it is told. What cannot be written is lost."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        store.fetch(
            "quota_report_peaks",
            resources=[resource for resource, _ in waiting],
            users=[user_id for _, user_id in waiting],
            tiers=[tier[:50] for _, tier, _ in waiting.values()],
            sources=[limit.source.value for _, _, limit in waiting.values()],
            limits=[limit.limit for _, _, limit in waiting.values()],
            peaks=[peak for peak, _, _ in waiting.values()],
        )
