"""Asking for quotas: `client.quotas`. Every answer is the database's, with the limit in force at that moment."""

import functools
import logging
import uuid
import weakref
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from ops_client.background import Job
from ops_client.batches import write_each
from ops_client.errors import InvalidInput, NotFound
from ops_client.part import Part, Runtime
from ops_client.quotas.asking import Asking
from ops_client.quotas.decide import Decision, Kind, decide_together, valid_cost
from ops_client.quotas.guard import Block, Held, Lease, QuotaExceeded, Reservation, Together
from ops_client.quotas.permits import Unused
from ops_client.quotas.recounts import Measure, Recounts
from ops_client.quotas.threads import Threads
from ops_client.quotas.usage import Usage, usage_of
from ops_client.quotas.use import Use, valid_use
from ops_client.store import Row

logger = logging.getLogger("ops_client")
TELL_SECONDS = 2.0
PEAK_SECONDS = 15.0
KEEP_SECONDS = 5.0
RECOUNT_SECONDS = 2.0
GIVE_BACK_SECONDS = 0.5
P = ParamSpec("P")
R = TypeVar("R")
B = TypeVar("B", bound=Block)


def _in_thread(
    method: "Callable[Concatenate[QuotaClient, P], R]",
) -> "Callable[Concatenate[QuotaClient, P], Coroutine[Any, Any, R]]":
    """The same call for async code, on a thread of the quotas' own."""

    async def call(self: "QuotaClient", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.threads.run(method, self, *args, **kwargs)

    functools.update_wrapper(call, method)
    return call


def _to_end_in_thread(
    method: "Callable[Concatenate[QuotaClient, P], R]",
) -> "Callable[Concatenate[QuotaClient, P], Coroutine[Any, Any, R]]":
    """The same for what gives something back: it is done although the caller is cancelled before a thread is free."""

    async def call(self: "QuotaClient", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.threads.run_to_end(method, self, *args, **kwargs)

    functools.update_wrapper(call, method)
    return call


def _acquired_in_thread(
    method: "Callable[Concatenate[QuotaClient, P], B]",
) -> "Callable[Concatenate[QuotaClient, P], Coroutine[Any, Any, B]]":
    """The same for what is held. A caller that is cancelled gives it back at once."""

    async def call(self: "QuotaClient", /, *args: P.args, **kwargs: P.kwargs) -> B:
        return await self.threads.acquire(_give_back, method, self, *args, **kwargs)

    functools.update_wrapper(call, method)
    return call


def _give_back(block: Block) -> None:
    block.leave(failed=True)


class QuotaClient(Part):
    """Rates, places, storage and allowances of the backend's users.

    `user_id` is whatever names the user in the console's directory; `tier` is the tier that the backend knows the
    user to have, None where it knows none (then the default holds). `cost` None is what the resource says that a call
    takes. Every method raises NotFound for a resource that is not defined and InvalidInput for one of another kind or
    an argument that cannot be right. When the database has not answered by the resource's deadline, its failure policy
    does; with `closed` that is StoreUnavailable.
    """

    statements = ("quota_resources",)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._recounts = Recounts()
        self._off = ""
        self._forget_parent({})

    def hit(self, resource: str, user_id: object, *, tier: str | None = None, cost: int | None = None) -> Decision:
        """Count one call (or `cost`) against a rate, if it fits. A refused call is not counted."""
        use = valid_use(Kind.RATE, resource, user_id, tier, cost)
        self.runtime.wake()
        return self._asking.hit(use)

    def consume(self, resource: str, user_id: object, *, tier: str | None = None, cost: int | None = None) -> Decision:
        """Take `cost` out of an allowance, if it fits in this calendar period."""
        use = valid_use(Kind.ALLOWANCE, resource, user_id, tier, cost)
        return self._ask("quota_consume", use, cost=use.cost)[0]

    def reserve(self, resource: str, user_id: object, amount: int, *, tier: str | None = None) -> Reservation:
        """Reserve `amount` of storage; a context manager. Raises QuotaExceeded."""
        held = uuid.uuid4()
        use = valid_use(Kind.STORAGE, resource, user_id, tier, valid_cost(amount, "amount"))
        decision, row = self._ask("quota_reserve", use, cost=use.cost, id=held)
        _require(decision)
        return self._reservation(decision, row, held)

    def lease(self, resource: str, user_id: object, *, tier: str | None = None) -> Lease:
        """Hold one of the places that may be taken at once; a context manager. Raises QuotaExceeded."""
        held = uuid.uuid4()
        use = valid_use(Kind.CONCURRENCY, resource, user_id, tier)
        decision, row = self._ask("quota_take", use, id=held, service=self.runtime.service)
        _require(decision)
        return self._lease(decision, row, held)

    def all_of(
        self, resources: Iterable[str] | Mapping[str, int | None], user_id: object, *, tier: str | None = None
    ) -> Together:
        """Several resources of any kinds, all or none: where one refuses, nothing of the others is counted or held.

        A mapping says what is taken of each, an amount of storage for instance; None, and a plain list of names, is
        what each resource says that a call takes. A context manager. Raises QuotaExceeded with the refusal that lasts
        longest, and InvalidInput for no resources at all.
        """
        costs = dict(resources) if isinstance(resources, Mapping) else dict.fromkeys(resources)
        if not costs:
            raise InvalidInput("resources", "names at least one")
        uses = [valid_use(Kind.RATE, name, user_id, tier, cost) for name, cost in costs.items()]
        ids = {use.resource: uuid.uuid4() for use in uses}
        self.runtime.wake()
        answers = self._asking.ask_all(uses, {name: str(held) for name, held in ids.items()})
        _require(decide_together([decision for _, decision, _ in answers]))
        held = {use.resource: self._held(use.kind, decision, row, ids[use.resource]) for use, decision, row in answers}
        decisions = {use.resource: decision for use, decision, _ in answers}
        return Together(self.threads, decisions, {name: each for name, each in held.items() if each is not None})

    def free(self, resource: str, user_id: object, amount: int) -> None:
        """Something stored was deleted: its size is available again. Raises StoreUnavailable."""
        use = valid_use(Kind.STORAGE, resource, user_id, None, valid_cost(amount, "amount"))
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

    def measure(self, resource: str, function: Measure) -> None:
        """Register `function`, which measures what is stored, for recounts: nightly, and on demand for one user.

        It is called on a thread of its own with a user's id, or with None for everybody, and answers what each has
        stored, by id. The console shows what differs and offers to correct it. Raises InvalidInput for a second one.
        """
        self._recounts.add(resource, function)

    ahit = _in_thread(hit)
    aconsume = _in_thread(consume)
    areserve = _acquired_in_thread(reserve)
    alease = _acquired_in_thread(lease)
    aall_of = _acquired_in_thread(all_of)
    afree = _to_end_in_thread(free)
    ausage = _in_thread(usage)
    apeek = _in_thread(peek)

    def told_off(self, why: str) -> None:
        """The limits on requests are not enforced in this process: the console's System page says so."""
        self._off = why

    def problems(self) -> list[dict[str, str]]:
        if not self._off:
            return []
        return [{"flag": "quotas", "rule": "requests", "message": self._off}]

    def apply(self, tables: dict[str, list[Row]], revision: int) -> None:
        self._asking.resources = {row["name"]: row for row in tables["quota_resources"]}
        self._asking.permits.void()

    def jobs(self) -> list[Job]:
        return [
            Job("quota_refusals", TELL_SECONDS, self._tell, at_close=True),
            Job("quota_peaks", PEAK_SECONDS, self._tell_peaks, at_close=True),
            Job("quota_permits", GIVE_BACK_SECONDS, self._give_back, at_close=True),
            Job("quota_leases", KEEP_SECONDS, self._keep_leases),
            Job("quota_recounts", RECOUNT_SECONDS, self._recount),
        ]

    def closing(self) -> None:
        self._asking.permits.void()  # the last job gives them back

    def after_fork(self) -> None:
        self._forget_parent(self._asking.resources)

    def _forget_parent(self, resources: dict[str, Row]) -> None:
        self._asking = Asking(self.runtime)
        self._asking.resources = resources
        self._permits_dropped = 0
        self.threads = Threads()
        self._recounts = self._recounts.again()
        # Weak: a lease that its holder forgot without giving it back must not be kept alive.
        self._leases: weakref.WeakValueDictionary[uuid.UUID, Lease] = weakref.WeakValueDictionary()

    def _ask(self, statement: str, use: Use, **params: Any) -> tuple[Decision, Row | None]:
        self.runtime.wake()
        return self._asking.ask(statement, use, **params)

    def _held(self, kind: Kind, decision: Decision, row: Row | None, held: uuid.UUID) -> Held | None:
        if kind is Kind.STORAGE:
            return self._reservation(decision, row, held)
        return self._lease(decision, row, held) if kind is Kind.CONCURRENCY else None

    def _reservation(self, decision: Decision, row: Row | None, held: uuid.UUID) -> Reservation:
        return Reservation(self.runtime.store, self.threads, decision, held if row else None)

    def _lease(self, decision: Decision, row: Row | None, held: uuid.UUID) -> Lease:
        # Nothing is held where there is no limit, and where only shadow mode let it through.
        taken = row is not None and row["allowed"] and row["limit_value"] is not None
        lease = Lease(self.runtime.store, self.threads, decision, held if taken else None, self._forget_lease)
        if taken:
            self._leases[held] = lease
        return lease

    def dropped(self) -> dict[str, int]:
        asking = self._asking
        return {
            "quota_refusals": asking.refusals.dropped,
            "quota_peaks": asking.peaks.dropped,
            "quota_failures": asking.without_store.dropped,
            "quota_permits": self._permits_dropped,
        }

    def _tell(self) -> None:
        self._asking.refusals.tell(self.runtime.store, self.runtime.service)
        self._asking.without_store.tell(self.runtime.store, self.runtime.service)

    def _tell_peaks(self) -> None:
        self._asking.peaks.tell(self.runtime.store)

    def _give_back(self) -> None:
        def write(few: Sequence[Unused]) -> None:
            self.runtime.store.fetch(
                "quota_give_back",
                resources=[each.key[0] for each in few],
                users=[each.key[1] for each in few],
                buckets=[each.bucket for each in few],
                amounts=[each.amount for each in few],
            )

        unused = self._asking.permits.unused(self.runtime.clock.monotonic())
        self._permits_dropped += write_each(unused, write, "unused permits")

    def _recount(self) -> None:
        self._recounts.look(self.runtime.store)

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
