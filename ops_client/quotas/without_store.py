"""What is answered while the database cannot be asked: each resource's failure policy, counted."""

import threading
from collections import Counter, OrderedDict
from typing import TypeVar

from ops_client.clock import Clock
from ops_client.errors import StoreUnavailable
from ops_client.quotas import ring
from ops_client.quotas.decide import Decision, Kind, LimitInForce, Policy, Source, limit_in_force
from ops_client.quotas.use import Use
from ops_client.store import Row, Store

# After one call has waited in vain, the next ones do not wait: for this long.
REST_SECONDS = 1.0
# Then one call asks again, and for this long nobody waits beside it.
ASKING_SECONDS = 5.0
MOST_USERS = 5_000
T = TypeVar("T")


class WithoutStore:
    """Decides alone. `open` lets everything through, `closed` refuses, `local` counts in this process.

    Where nothing is known of a resource (a process that has never seen the database) it is open: a quota guards
    fairness, and an outage must not stop every request.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._away = False
        self._limits: OrderedDict[tuple[str, str], LimitInForce] = OrderedDict()
        self._rings: OrderedDict[tuple[str, str], ring.Ring] = OrderedDict()
        self._counts: Counter[tuple[str, str]] = Counter()

    def resting(self) -> bool:
        """Whether to do without the database: it failed a moment ago, or another call is finding out."""
        if not self._away:
            return False
        with self._lock:
            now = self._clock.monotonic()
            if now < self._away_until:
                return True
            self._away_until = now + ASKING_SECONDS
            return False

    def rest(self) -> None:
        """The database has just failed."""
        with self._lock:
            self._away = True
            self._away_until = self._clock.monotonic() + REST_SECONDS

    def answered(self) -> None:
        """The database has just answered."""
        self._away = False

    def remember(self, use: Use, limit: LimitInForce, known: Row | None) -> None:
        """Keep a user's limit for `local`, which otherwise would only know the default."""
        if known and known["failure_policy"] == "local":
            with self._lock:
                _keep(self._limits, (use.resource, use.user_id), limit)

    def decide(self, use: Use, known: Row | None) -> Decision:
        """By the resource's failure policy. Raises StoreUnavailable where that is `closed`."""
        policy = known["failure_policy"] if known else "open"
        with self._lock:
            self._counts[use.resource, policy] += 1
            if policy == "local" and known and use.kind is Kind.RATE:
                return self._local(use, known)
        if policy == "closed":
            raise StoreUnavailable(f"{use.resource} cannot be asked for now, and nothing passes until it can.")
        return Decision(True, use.resource, use.kind, None, None, Source.UNLIMITED, "open: database away")

    def tell(self, store: Store, service: str) -> None:
        """Add what was decided alone to the console's counts; kept when it cannot be told yet."""
        with self._lock:
            waiting = list(self._counts.items())
        for (resource, policy), count in waiting:
            store.execute(
                "quota_report_failures",
                resource=resource[:63],
                service=service[:100],
                failure_policy=policy,
                count=count,
            )
            with self._lock:
                self._counts[resource, policy] -= count
                if not self._counts[resource, policy]:
                    del self._counts[resource, policy]

    def _local(self, use: Use, known: Row) -> Decision:
        key = (use.resource, use.user_id)
        limit = self._limits.get(key) or _default(self._clock, known)
        counted = self._rings.get(key, ring.Ring())
        now = self._clock.now().timestamp()
        counted, decision = ring.hit(counted, limit, use.resource, now, known["window_seconds"], use.cost)
        _keep(self._rings, key, counted)
        return decision


def _default(clock: Clock, known: Row) -> LimitInForce:
    default = None if known["default_limit"] is None else Policy("default", known["default_limit"])
    return limit_in_force(clock.now(), default=default, unlimited=known["allow_unlimited"])


def _keep(kept: OrderedDict[tuple[str, str], T], key: tuple[str, str], value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_USERS:
        kept.popitem(last=False)
