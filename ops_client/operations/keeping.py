"""Heartbeats of all operations under way in one statement, and writes that the database could not take at first."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from ops_client.background import Job
from ops_client.batches import write_each
from ops_client.errors import StoreBusy, StoreUnavailable
from ops_client.operations.tracker import TrackedOperation
from ops_client.part import Runtime

logger = logging.getLogger("ops_client")
HEARTBEAT_SECONDS = 5.0
MOST_OWED = 1_000
# Each may cost a second where its row is locked; heartbeats are due every five.
MOST_FAILED = 2


class Keeping:
    """The operations of this process. `owed` are those whose end could not be written yet.

    `dropped` counts writes that were given up: refused by the database, or ends beyond MOST_OWED.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._under_way: dict[int, TrackedOperation] = {}
        self._owed: deque[TrackedOperation] = deque()
        self.dropped = 0

    def keep(self, operation: TrackedOperation) -> None:
        with self._lock:
            self._under_way[id(operation)] = operation

    def let_go(self, operation: TrackedOperation) -> None:
        with self._lock:
            self._under_way.pop(id(operation), None)

    def owe(self, operation: TrackedOperation) -> None:
        """Write its end when the database is back. Beyond MOST_OWED the oldest is dropped and logged."""
        with self._lock:
            self._owed.append(operation)
            if len(self._owed) > MOST_OWED:
                oldest = self._owed.popleft()
                self.dropped += 1
                logger.error("ops_client: the end of %s %s is given up", oldest.work.kind, oldest.id)

    def drop(self, what: str, operation: TrackedOperation, error: Exception) -> None:
        """Give up one write of an operation, and let the work and all other operations go on."""
        self.dropped += 1
        logger.error("ops_client: the %s of %s %r is not recorded: %s", what, operation.work.kind, operation.id, error)

    def job(self) -> Job:
        return Job("heartbeats", HEARTBEAT_SECONDS, self.sign, at_close=True)

    def sign(self) -> None:
        """Report that everything under way is alive, then write ends and starts that are owed. Raises StoreUnavailable.

        In this order, so that no owed write can hold up a heartbeat; ends first, for the next start under the same id.
        """
        self._beat()
        self._write_owed("end")
        self._write_owed("start")

    def _beat(self) -> None:
        with self._lock:
            alive = list(self._under_way.values())
        held = {(one.work.kind, one.id, one.version): one for one in alive if one.is_held}

        def write(few: Sequence[TrackedOperation]) -> None:
            for row in self._runtime.store.fetch("operation_sign", signs=[one.sign() for one in few]):
                # The answer may name one that has ended meanwhile, where this has no effect.
                held[row["kind"], row["operation_id"], row["version"]].lose(row["status"], row["version"])

        self.dropped += write_each(list(held.values()), write, "heartbeats")

    def _write_owed(self, what: str) -> None:
        """Write the ends, or the starts, that are owed. What fails comes last at the next round, behind all others.

        Raises StoreUnavailable, but not for rows that another transaction holds.
        """
        failure: StoreUnavailable | None = None
        failed_ids: list[str] = []
        with self._lock:
            owed = list(self._owed) if what == "end" else [one for one in self._under_way.values() if not one.is_held]
            ending = {one.id for one in self._owed} if what == "start" else set()
        for operation in owed:
            if operation.id in failed_ids or operation.id in ending:
                continue  # a later attempt must not be written before an earlier one
            try:
                self._write_alone(what, operation, operation.write_end if what == "end" else operation.write_start)
            except StoreUnavailable as error:
                # Perhaps only this row is locked; with the database unreachable, nothing is tried much longer.
                failure = error
                failed_ids.append(operation.id)
                if len(failed_ids) >= MOST_FAILED:
                    break
                continue
            if what == "end":
                if operation.lost:
                    logger.warning("ops_client: the end of %s %s came too late", operation.work.kind, operation.id)
                with self._lock, suppress(ValueError):  # given up meanwhile, beyond MOST_OWED
                    self._owed.remove(operation)
        if failure is None:
            return
        with self._lock:
            self._owed = deque(sorted(self._owed, key=lambda one: one.id in failed_ids))
            self._under_way = dict(sorted(self._under_way.items(), key=lambda pair: pair[1].id in failed_ids))
        if not isinstance(failure, StoreBusy):
            raise failure
        logger.info("ops_client: the %s of %s is written later: %s", what, ", ".join(failed_ids), failure)

    def _write_alone(self, what: str, operation: TrackedOperation, write: Callable[[], None]) -> None:
        """One operation that cannot be written, for whatever reason, must not silence the others."""
        try:
            write()
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - it is logged and counted by `drop`
            self.drop(what, operation, error)
            self.let_go(operation)
