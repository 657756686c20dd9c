"""What is answered while the database cannot be asked: each resource's failure policy, counted."""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from ops_client.clock import Clock
from ops_client.errors import StoreRefused, StoreUnavailable
from ops_client.quotas import ring
from ops_client.quotas.decide import Decision, Kind, LimitInForce, Policy, Source, limit_in_force
from ops_client.quotas.use import Use
from ops_client.store import Row, Store

logger = logging.getLogger("ops_client")
# After one call has waited in vain, the next ones do not wait: for this long.
REST_SECONDS = 1.0
# Then one call asks again, and for this long nobody waits beside it.
ASKING_SECONDS = 5.0
MOST_USERS = 5_000
_UNKNOWN = {"failure_policy": "open"}
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
        self._late: Counter[tuple[str, str]] = Counter()
        self.dropped = 0

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

    def decide(self, use: Use, known: Row | None, late: bool = False) -> Decision:
        """By the resource's failure policy. `late`: this very call has waited in vain, until its deadline.

        Raises StoreUnavailable where the policy is `closed`.
        """
        return self.decide_all([use], {use.resource: known} if known else {}, late)[0][1]

    def decide_all(self, uses: Sequence[Use], known: Mapping[str, Row], late: bool) -> list[tuple[Use, Decision]]:
        """The same for several: where one of them refuses, or is `closed`, none is counted."""
        policies = {
            use.resource: known[use.resource]["failure_policy"] if use.resource in known else "open" for use in uses
        }
        with self._lock:
            for resource, policy in policies.items():
                self._counts[resource, policy] += 1
                self._late[resource, policy] += late
            for resource, policy in policies.items():
                if policy == "closed":
                    raise StoreUnavailable(f"{resource} cannot be asked for now, and nothing passes until it can.")
            local = [use for use in uses if policies[use.resource] == "local" and use.kind is Kind.RATE]
            counted = {use.resource: self._local(use, known[use.resource]) for use in local}
            if all(decision.allowed for _, decision in counted.values()):
                for use in local:
                    _keep(self._rings, (use.resource, use.user_id), counted[use.resource][0])
        return [(use, counted[use.resource][1] if use.resource in counted else _open(use)) for use in uses]

    def tell(self, store: Store, service: str) -> None:
        """Add what was decided alone to the console's counts; kept when it cannot be told yet."""
        with self._lock:
            waiting = list(self._counts.items())
        for (resource, policy), count in waiting:
            late = self._late[resource, policy]
            try:
                store.execute(
                    "quota_report_failures",
                    resource=resource[:63],
                    service=service,
                    failure_policy=policy,
                    count=count,
                    late=late,
                )
            except StoreRefused as error:
                logger.warning("ops_client: %d decisions on %s are not counted: %s", count, resource, error.message)
                self.dropped += count
            with self._lock:
                self._counts[resource, policy] -= count
                self._late[resource, policy] -= late
                # What is nothing by now goes: keys are users' words.
                self._counts, self._late = +self._counts, +self._late

    def _local(self, use: Use, known: Row) -> tuple[ring.Ring, Decision]:
        key = (use.resource, use.user_id)
        limit = self._limits.get(key) or _default(self._clock, known)
        now, cost = self._clock.now().timestamp(), use.cost or known.get("cost", 1)
        return ring.hit(self._rings.get(key, ring.Ring()), limit, use.resource, now, known["window_seconds"], cost)


def _open(use: Use) -> Decision:
    return Decision(True, use.resource, use.kind, None, None, Source.UNLIMITED, "open: database away")


def _default(clock: Clock, known: Row) -> LimitInForce:
    default = None if known["default_limit"] is None else Policy("default", known["default_limit"])
    return limit_in_force(clock.now(), default=default, unlimited=known["allow_unlimited"])


def _keep(kept: OrderedDict[tuple[str, str], T], key: tuple[str, str], value: T) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_USERS:
        kept.popitem(last=False)
