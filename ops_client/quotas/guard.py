"""What is held while work goes on: reserved storage, or one of the slots for concurrent work."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from ops_client.errors import OpsError
from ops_client.quotas.decide import Decision, valid_cost
from ops_client.quotas.http import sentence
from ops_client.quotas.threads import Threads
from ops_client.store import Store


class QuotaExceeded(OpsError):
    """The limit in force said no; `decision` says which, and whether waiting helps."""

    def __init__(self, decision: Decision) -> None:
        super().__init__("quota_exceeded", sentence(decision))
        self.decision = decision
        self.retryable = decision.retryable


class ReservationGone(OpsError):
    """A reservation was committed long after it had run out: what was stored is not counted. Recount the user."""

    def __init__(self, reservation: uuid.UUID) -> None:
        super().__init__("reservation_gone", f"The reservation {reservation} ran out long ago and is gone.")


class Block:
    """A context manager, sync and async, that is left well or with an error."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    def leave(self, failed: bool) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave(failed=error is not None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._threads.run_to_end(self.leave, error is not None)


class Held(Block):
    """Base of what is held. `decision` is what let it through.

    `id` is None where nothing is held: no limit, or the database was away and the resource is open.
    """

    def __init__(self, store: Store, threads: Threads, decision: Decision, held: uuid.UUID | None) -> None:
        super().__init__(threads)
        self._store = store
        self.decision = decision
        self.id = held


class Reservation(Held):
    """Reserved storage: leaving the block commits it, an exception releases it; either may be done earlier."""

    def commit(self, actual: int | None = None) -> None:
        """It is stored, `actual` of it where that is not what was reserved. Once is enough.

        Raises ReservationGone, InvalidInput for an `actual` that is no amount, and StoreUnavailable: then it can be
        tried again.
        """
        if actual is not None:
            valid_cost(actual, "actual", least=0)
        held = self.id
        if held:
            done = self._store.fetch("quota_commit", id=held, actual=actual)[0]["done"]
            self.id = None
            if not done:
                raise ReservationGone(held)

    def release(self) -> None:
        """It is not stored after all. Raises StoreUnavailable; the reservation then runs out by itself."""
        held, self.id = self.id, None
        if held:
            self._store.fetch("quota_release", id=held)

    def leave(self, failed: bool) -> None:
        if failed:
            self.release()
        else:
            self.commit()


class Lease(Held):
    """A place that is held until the block is left. The client keeps it alive meanwhile.

    `lost` is True once the place has gone to somebody else (this process was silent for too long): stop the work.
    """

    def __init__(
        self,
        store: Store,
        threads: Threads,
        decision: Decision,
        held: uuid.UUID | None,
        forget: Callable[[uuid.UUID], object],
    ) -> None:
        super().__init__(store, threads, decision, held)
        self._forget = forget
        self.lost = False

    def release(self) -> None:
        """Give the place back. A place that was lost stays with whoever has it now. Raises StoreUnavailable."""
        held, self.id = self.id, None
        if held:
            self._forget(held)
            self._store.fetch("quota_leave", id=held)

    def leave(self, failed: bool) -> None:
        self.release()


class Together(Block):
    """Several resources that were taken in one call. `decisions` is by resource, `held` what of it is held.

    Leaving the block commits reservations and gives places back, as each of them does alone; an exception releases
    both. What was counted, of rates and allowances, stays counted.
    """

    def __init__(self, threads: Threads, decisions: Mapping[str, Decision], held: Mapping[str, Held]) -> None:
        super().__init__(threads)
        self.decisions = decisions
        self.held = held

    def leave(self, failed: bool) -> None:
        with ExitStack() as stack:  # one that fails keeps none of the others
            for each in self.held.values():
                stack.callback(each.leave, failed)
