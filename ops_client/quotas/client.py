"""Asking for quotas: `client.quotas`. Every answer is the database's, with the limit in force at that moment."""

import asyncio
import functools
import logging
import uuid
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from ops_client.background import Job
from ops_client.errors import InvalidInput, NotFound, StoreUnavailable
from ops_client.part import Part, Runtime
from ops_client.quotas.decide import Decision, Kind, valid_cost
from ops_client.quotas.guard import Lease, QuotaExceeded, Reservation
from ops_client.quotas.refusals import Refusals
from ops_client.quotas.usage import Usage, usage_of
from ops_client.quotas.use import Use, decision_of, in_force, valid_use
from ops_client.quotas.without_store import WithoutStore
from ops_client.store import Row

logger = logging.getLogger("ops_client")
TELL_SECONDS = 2.0
KEEP_SECONDS = 5.0
P = ParamSpec("P")
R = TypeVar("R")


def _in_thread(
    method: "Callable[Concatenate[QuotaClient, P], R]",
) -> "Callable[Concatenate[QuotaClient, P], Coroutine[Any, Any, R]]":
    """The same call for async code, on a thread."""

    async def call(self: "QuotaClient", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(method, self, *args, **kwargs)

    functools.update_wrapper(call, method)
    return call


class QuotaClient(Part):
    """Rates, places, storage and allowances of the backend's users.

    `user_id` is whatever names the user in the console's directory; `tier` is the tier that the backend knows the
    user to have, None where it knows none (then the default holds). Every method raises NotFound for a resource that
    is not defined and InvalidInput for one of another kind or an argument that cannot be right. While the database
    is away the resource's failure policy answers; with `closed` that is StoreUnavailable.
    """

    statements = ("quota_resources",)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._resources: dict[str, Row] = {}
        self._forget_parent()

    def hit(self, resource: str, user_id: object, *, tier: str | None = None, cost: int = 1) -> Decision:
        """Count one call (or `cost`) against a rate, if it fits. A refused call is not counted."""
        use = valid_use(Kind.RATE, resource, user_id, tier, cost)
        return self._decide("quota_hit", use, cost=use.cost)[0]

    def consume(self, resource: str, user_id: object, *, tier: str | None = None, cost: int = 1) -> Decision:
        """Take `cost` out of an allowance, if it fits in this calendar period."""
        use = valid_use(Kind.ALLOWANCE, resource, user_id, tier, cost)
        return self._decide("quota_consume", use, cost=use.cost)[0]

    def reserve(self, resource: str, user_id: object, amount: int, *, tier: str | None = None) -> Reservation:
        """Hold room for `amount` of storage; a context manager. Raises QuotaExceeded."""
        held = uuid.uuid4()
        use = valid_use(Kind.STORAGE, resource, user_id, tier, amount)
        decision, row = self._decide("quota_reserve", use, cost=use.cost, id=held)
        _require(decision)
        return Reservation(self.runtime.store, decision, held if row else None)

    def lease(self, resource: str, user_id: object, *, tier: str | None = None) -> Lease:
        """Hold one of the places that may be taken at once; a context manager. Raises QuotaExceeded."""
        held = uuid.uuid4()
        use = valid_use(Kind.CONCURRENCY, resource, user_id, tier)
        decision, row = self._decide("quota_take", use, id=held, service=self.runtime.service)
        _require(decision)
        # Nothing is held where there is no limit, and where only shadow mode let it through.
        taken = row is not None and row["allowed"] and row["limit_value"] is not None
        lease = Lease(self.runtime.store, decision, held if taken else None, self._forget_lease)
        if taken:
            self._leases[held] = lease
        return lease

    def free(self, resource: str, user_id: object, amount: int) -> None:
        """Something stored was deleted: its room is there again. Raises StoreUnavailable."""
        use = valid_use(Kind.STORAGE, resource, user_id, None, valid_cost(amount))
        self.runtime.wake()
        self.runtime.store.fetch("quota_free", resource=use.resource, user_id=use.user_id, amount=use.cost)

    def usage(self, user_id: object, *, tier: str | None = None) -> list[Usage]:
        """What the user has used of every resource, with the limit in force. Raises StoreUnavailable."""
        use = valid_use(Kind.RATE, "", user_id, tier)
        self.runtime.wake()
        return [usage_of(row) for row in self.runtime.store.fetch("quota_usage", user_id=use.user_id, tier=tier)]

    def peek(self, resource: str, user_id: object, *, tier: str | None = None) -> Usage:
        """The same for one resource; counts nothing. Raises StoreUnavailable."""
        for usage in self.usage(user_id, tier=tier):
            if usage.resource == resource:
                return usage
        raise NotFound("resource", resource)

    ahit = _in_thread(hit)
    aconsume = _in_thread(consume)
    areserve = _in_thread(reserve)
    alease = _in_thread(lease)
    afree = _in_thread(free)
    ausage = _in_thread(usage)
    apeek = _in_thread(peek)

    def apply(self, tables: dict[str, list[Row]], revision: int) -> None:
        self._resources = {row["name"]: row for row in tables["quota_resources"]}

    def jobs(self) -> list[Job]:
        return [
            Job("quota_refusals", TELL_SECONDS, self._tell, at_close=True),
            Job("quota_leases", KEEP_SECONDS, self._keep_leases),
        ]

    def after_fork(self) -> None:
        self._forget_parent()

    def _forget_parent(self) -> None:
        self._refusals = Refusals()
        self._without_store = WithoutStore(self.runtime.clock)
        # Weak: a caller that was cancelled before it got its lease never gives it back, and must not be kept alive.
        self._leases: weakref.WeakValueDictionary[uuid.UUID, Lease] = weakref.WeakValueDictionary()

    def _decide(self, statement: str, use: Use, **params: Any) -> tuple[Decision, Row | None]:
        """The decision, and the database's answer where it gave one."""
        self.runtime.wake()
        try:
            row = self._ask(statement, use, params)
        except StoreUnavailable:
            return self._without_store.decide(use, self._resources.get(use.resource)), None
        self._without_store.remember(use, in_force(row), self._resources.get(use.resource))
        decision = decision_of(row, use)
        if not row["allowed"]:
            self._refusals.note(use, decision, row["shadow"])
        return decision, row

    def _ask(self, statement: str, use: Use, params: dict[str, Any]) -> Row:
        if self._without_store.resting():
            raise StoreUnavailable("The shared database failed a moment ago.")
        try:
            named = {"resource": use.resource, "user_id": use.user_id, "tier": use.tier}
            rows = self.runtime.store.fetch(statement, **named, **params)
        except StoreUnavailable:
            self._without_store.rest()
            raise
        self._without_store.answered()
        if not rows:
            raise NotFound("resource", use.resource)
        if rows[0]["kind"] != use.kind:
            raise InvalidInput("resource", f"{use.resource} is of kind {rows[0]['kind']}, not {use.kind.value}")
        return rows[0]

    def _tell(self) -> None:
        self._refusals.tell(self.runtime.store, self.runtime.service)
        self._without_store.tell(self.runtime.store, self.runtime.service)

    def _forget_lease(self, holder: uuid.UUID) -> None:
        self._leases.pop(holder, None)

    def _keep_leases(self) -> None:
        held = list(self._leases)
        if not held:
            return
        kept = {row["holder"] for row in self.runtime.store.fetch("quota_keep", holders=held)}
        for holder in set(held) - kept:
            lease = self._leases.pop(holder, None)
            if lease is not None and lease.id:
                logger.warning("ops_client: a place of %s was lost: nothing was heard of us", lease.decision.resource)
                lease.lost = True


def _require(decision: Decision) -> None:
    if not decision.allowed:
        raise QuotaExceeded(decision)
