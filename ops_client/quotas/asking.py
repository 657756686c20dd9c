"""How one use becomes a decision: from leased permits, else by the database in its time, else by the failure policy."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ops_client.errors import InvalidInput, NotFound, StoreLate, StoreUnavailable
from ops_client.part import Runtime
from ops_client.quotas.decide import WARN_RATES, Decision, Kind
from ops_client.quotas.peaks import Peaks
from ops_client.quotas.permits import Lease, Permits
from ops_client.quotas.refusals import Refusals
from ops_client.quotas.use import Use, decision_of, in_force, used_with
from ops_client.quotas.without_store import WithoutStore
from ops_client.store import Row

DEADLINE_MS = 2_000


class Asking:
    """What one process knows of the resources, and everything that it has to tell of its decisions."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.resources: dict[str, Row] = {}
        self.permits = Permits()
        self.refusals = Refusals()
        self.peaks = Peaks()
        self.without_store = WithoutStore(runtime.clock)

    def hit(self, use: Use) -> Decision:
        """A rate, from permits where this process holds some; never while it knows not what a call costs."""
        known = self.resources.get(use.resource)
        if known is None:
            return self.ask("quota_hit", use, cost=use.cost)[0]
        key, now = (use.resource, use.user_id, use.tier), self._runtime.clock.monotonic()
        cost = use.cost or known.get("cost", 1)
        decision = self.permits.take(key, cost, now)
        if decision is not None:
            return decision
        wish = self.permits.wish(key, cost, now)
        if not wish.wanted and wish.back is None:
            return self.ask("quota_hit", use, cost=use.cost)[0]
        bucket, back = (wish.back.bucket, wish.back.amount) if wish.back else (None, 0)
        asked = {"cost": use.cost, "wanted": wish.wanted, "back_bucket": bucket, "back": back}
        decision, row = self.ask("quota_hit_and_lease", use, **asked)
        if row is not None and row["granted"]:
            lease = Lease(row["newest"], row["granted"], now, now + row["lease_seconds"], decision)
            self.permits.hold(key, wish, lease)
        return decision

    def ask(self, statement: str, use: Use, **params: Any) -> tuple[Decision, Row | None]:
        """The decision, and the database's answer where it gave one."""
        known = self.resources.get(use.resource)
        named = {"resource": use.resource, "user_id": use.user_id, "tier": use.tier}
        try:
            rows = self._fetch(statement, _deadline(known), **named, **params)
        except StoreUnavailable as error:
            return self.without_store.decide(use, known, isinstance(error, StoreLate)), None
        if not rows or rows[0]["kind"] is None:
            raise NotFound("resource", use.resource)
        if rows[0]["kind"] != use.kind:
            raise InvalidInput("resource", f"{use.resource} is of kind {rows[0]['kind']}, not {use.kind.value}")
        return self._decided(use, rows[0]), rows[0]

    def ask_all(self, uses: Sequence[Use], ids: dict[str, str]) -> list[tuple[Use, Decision, Row | None]]:
        """The same for several uses of one user, in one statement: none of them counts where one is refused."""
        wanted = [{"resource": use.resource, "cost": use.cost, "id": ids[use.resource]} for use in uses]
        deadline = min(_deadline(self.resources.get(use.resource)) for use in uses)
        who = {"user_id": uses[0].user_id, "tier": uses[0].tier, "service": self._runtime.service}
        try:
            rows = [row["answer"] for row in self._fetch("quota_all", deadline, uses=wanted, **who)]
        except StoreUnavailable as error:
            late, known = isinstance(error, StoreLate), [self._as_known(use) for use in uses]
            return [(use, each, None) for use, each in self.without_store.decide_all(known, self.resources, late)]
        by_name = {row["resource"]: row for row in rows}
        for use in uses:
            if by_name.get(use.resource, {}).get("kind") is None:
                raise NotFound("resource", use.resource)
        known = [replace(use, kind=Kind(by_name[use.resource]["kind"])) for use in uses]
        return [(use, self._decided(use, by_name[use.resource]), by_name[use.resource]) for use in known]

    def _fetch(self, statement: str, within_seconds: float, **params: Any) -> list[Row]:
        if self.without_store.resting():
            raise StoreUnavailable("The shared database failed a moment ago.")
        try:
            rows = self._runtime.store.fetch(statement, within_seconds=within_seconds, **params)
        except StoreUnavailable:
            self.without_store.rest()
            raise
        self.without_store.answered()
        return rows

    def _decided(self, use: Use, row: Row) -> Decision:
        known = self.resources.get(use.resource)
        limit, used = in_force(row), used_with(row, use)
        decision = replace(decision_of(row, use, _warn_rates(known)), unit=(known or {}).get("unit", ""))
        self.without_store.remember(use, limit, known)
        self.peaks.note(use, used, limit)
        if not row["allowed"]:
            self.refusals.note(use, decision, row["shadow"])
        elif row["trial_limit"] is not None and used > row["trial_limit"]:
            tried = replace(decision, limit=row["trial_limit"], policy=f"{decision.policy} on trial")
            self.refusals.note(use, tried, shadow=True)
        return decision

    def _as_known(self, use: Use) -> Use:
        known = self.resources.get(use.resource)
        return replace(use, kind=Kind(known["kind"])) if known else use


def _deadline(known: Row | None) -> float:
    """Seconds that a call may wait for the database. What an older contract does not say has its default."""
    return float((known or {}).get("deadline_ms", DEADLINE_MS)) / 1000


def _warn_rates(known: Row | None) -> tuple[float, float]:
    if known is None or "warn_percent" not in known:
        return WARN_RATES
    return known["warn_percent"] / 100, known["nearly_percent"] / 100
