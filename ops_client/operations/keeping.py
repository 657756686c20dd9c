"""Keeps operations under way alive: one heartbeat for all of them, and later what the database could not take."""

import logging
import threading
from collections import deque

from ops_client.background import Job
from ops_client.operations.tracker import TrackedOperation
from ops_client.part import Runtime

logger = logging.getLogger("ops_client")
HEARTBEAT_SECONDS = 5.0
MOST_OWED = 1_000


class Keeping:
    """The operations of this process. `owed` are those that ended while the database was away."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._under_way: dict[int, TrackedOperation] = {}
        self._owed: deque[TrackedOperation] = deque()

    def keep(self, operation: TrackedOperation) -> None:
        with self._lock:
            self._under_way[id(operation)] = operation

    def let_go(self, operation: TrackedOperation) -> None:
        with self._lock:
            self._under_way.pop(id(operation), None)

    def owe(self, operation: TrackedOperation) -> None:
        """Write its end when the database is back. Beyond MOST_OWED the oldest is given up, and said so."""
        with self._lock:
            self._owed.append(operation)
            if len(self._owed) > MOST_OWED:
                dropped = self._owed.popleft()
                logger.error("ops_client: the end of %s %s is given up", dropped.work.kind, dropped.id)

    def job(self) -> Job:
        return Job("heartbeats", HEARTBEAT_SECONDS, self.sign, at_close=True)

    def sign(self) -> None:
        """Write what is owed, then say that everything under way is alive. Raises StoreUnavailable."""
        self._settle()
        with self._lock:
            alive = list(self._under_way.values())
        for operation in alive:
            operation.write_start()
        held = {(one.work.kind, one.id, one.version): one for one in alive if not one.lost}
        if held:
            signs = [one.sign() for one in held.values()]
            for row in self._runtime.store.fetch("operation_sign", signs=signs):
                # One that has ended meanwhile is answered too, and does not mind.
                held[row["kind"], row["operation_id"], row["version"]].lose(row["status"], row["version"])

    def _settle(self) -> None:
        while self._owed:
            operation = self._owed[0]
            operation.write_end()
            if operation.lost:
                logger.warning("ops_client: the end of %s %s came too late", operation.work.kind, operation.id)
            with self._lock:
                self._owed.remove(operation)
