"""One tracked operation, as its worker uses it: `with client.operations.track(...) as operation`."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from ops_client.errors import InvalidInput, StoreRefused, StoreUnavailable
from ops_client.operations.work import OperationLost, Work
from ops_client.store import Row, Store
from ops_client.telemetry.errors import Fault, fault_of
from ops_client.text import replace_unstorable

logger = logging.getLogger("ops_client")
Free = Callable[[str], object]
LONGEST_NOTE = 300
STATUSES = ("queued", "running", "succeeded", "failed")


class Keeper(Protocol):
    """Sends the heartbeats of an operation, and writes later what could not be written at once."""

    def keep(self, operation: "TrackedOperation") -> None: ...

    def let_go(self, operation: "TrackedOperation") -> None: ...

    def owe(self, operation: "TrackedOperation") -> None: ...

    def drop(self, what: str, operation: "TrackedOperation", error: Exception) -> None: ...


class TrackedOperation:
    """Started when the block is entered; succeeded or failed when it is left. Sync and async.

    `version` is the fencing token: writes of a worker that lost the operation are refused, and it is told by
    OperationLost from `progress`, `check`, `temporary` and from leaving the block. With the database away the work is
    never held up: what could not be written is written later, and until then nothing is refused. What the database
    refuses to store is dropped and counted in `status()["dropped"]`; the work goes on.
    """

    def __init__(self, store: Store, keeper: Keeper, work: Work, said: dict[str, Any], version: int | None) -> None:
        self.work = work
        self.version = version
        self.attempt = 0
        self._store = store
        self._keeper = keeper
        self._said = said
        self._lock = threading.RLock()
        self._began: float | None = None
        self._is_written = False
        self._is_unseen = False  # the database refused to store its start
        self._lost: OperationLost | None = None
        self._ending: dict[str, Any] | None = None
        self._progress: tuple[float | None, str] = (None, "")
        self._resources: list[dict[str, Any]] = []
        self._free: dict[str, Free] = {}

    @property
    def id(self) -> str:
        return self.work.operation_id

    @property
    def lost(self) -> bool:
        """Whether another worker, or an operator, has taken the operation."""
        return self._lost is not None

    @property
    def is_held(self) -> bool:
        """Whether the database has recorded it as this worker's, so that a heartbeat means something."""
        return self._is_written and self._lost is None

    def progress(self, rate: float | None = None, note: str = "") -> None:
        """Say how far the work is (0..1) and what it is at; sent with the next heartbeat. Raises OperationLost."""
        if rate is not None and not 0 <= rate <= 1:
            raise InvalidInput("rate", "is a number from 0 to 1")
        self._progress = None if rate is None else float(rate), replace_unstorable(str(note)[:LONGEST_NOTE])
        self.check()

    def check(self) -> None:
        """Raise OperationLost if the operation is not ours any more, by the last heartbeat. Makes no query."""
        if self._lost is not None:
            raise self._lost

    def temporary(self, uri: str, free: Free | None = None) -> str:
        """Record a temporary resource *before* it is used; gives `uri` back. Raises OperationLost.

        `free` is called with it when the block is left, the newest resource first. A worker that does not come back
        leaves the record, by which the backend's own handlers free what is left; in the record, characters that
        PostgreSQL cannot store are replaced.
        """
        if not isinstance(uri, str) or not uri:
            raise InvalidInput("uri", "is a text that names the resource")
        self._resources.append({"uri": uri, "added_at": time.time()})
        if free is not None:
            self._free[uri] = free
        self._write_resources(must_hold=True)
        return uri

    def freed(self, uri: str) -> None:
        """Say that a resource is gone already."""
        self._resources = [kept for kept in self._resources if kept["uri"] != uri]
        self._free.pop(uri, None)
        self._write_resources(must_hold=False)

    def start(self) -> None:
        """Begin an attempt. Raises OperationLost where the command's version has been overtaken."""
        self._began = time.monotonic()
        try:
            self.write_start()
        except StoreUnavailable as error:
            logger.warning("ops_client: %s %s begins unseen: %s", self.work.kind, self.id, error)
        self.check()
        if not self._is_unseen:
            self._keeper.keep(self)

    def finish(self, error: BaseException | None = None) -> None:
        """End the attempt, then free what is temporary. Raises OperationLost to a worker that comes too late."""
        self._keeper.let_go(self)
        self._ending = {"error": _told(fault_of(error)) if error is not None else None}
        try:
            self.write_end()
        except StoreUnavailable as away:
            logger.warning("ops_client: the end of %s %s is written later: %s", self.work.kind, self.id, away)
            self._keeper.owe(self)
        finally:
            self._free_all()
        self.check()

    def write_start(self) -> None:
        """Write the start unless it is written. Raises StoreUnavailable."""
        with self._lock:
            if self._is_written or self._is_unseen or self._lost is not None:
                return
            ago = time.monotonic() - (self._began or time.monotonic())
            given = {**self._said, "version": self.version, "began_seconds_ago": ago}
            try:
                row = self._store.fetch("operation_start", operation=given)[0]
            except StoreRefused as error:
                self._is_unseen = True
                self._keeper.drop("start", self, error)
                return
            if not row["held"]:
                self._refused_start(row)
                return
            self.version, self.attempt, self._is_written = row["version"], row["attempt"], True
            # What an earlier attempt left behind stays on the list until somebody frees it.
            self._resources = [*row["resources"], *self._resources]

    def _refused_start(self, row: Row) -> None:
        if row["status"] not in STATUSES:
            raise InvalidInput("operation_id", f"{self.id!r} is a {row['status']} already: ids are unique among kinds")
        self.lose(row["status"], row["version"])

    def write_end(self) -> None:
        """Write the end, and the start before it where that is owed too. Raises StoreUnavailable."""
        self.write_start()
        if self._lost is not None or self._is_unseen:
            return
        try:
            row = self._store.fetch("operation_finish", operation={**self._key(), **(self._ending or {})})[0]
        except StoreRefused as error:
            self._keeper.drop("end", self, error)
            return
        if not row["held"]:
            self.lose(row["status"], row["version"])

    def sign(self) -> Row:
        """What the next heartbeat says."""
        rate, note = self._progress
        return {**self._key(), "progress_rate": rate, "progress_note": note}

    def lose(self, status: str, version: int) -> None:
        """Note that another worker, or an operator, has the operation."""
        if self._lost is None:
            self._lost = OperationLost(self.work.kind, self.id, status, version)

    def _key(self) -> dict[str, Any]:
        names = {"kind": self.work.kind, "operation_id": self.id, "version": self.version}
        return {**names, "worker": self._said["worker"]}

    def _write_resources(self, must_hold: bool) -> None:
        try:
            self.write_start()
            if self._is_unseen:
                return
            resources = replace_unstorable(self._resources)
            rows = self._store.fetch("operation_resources", operation={**self._key(), "resources": resources})
        except StoreRefused as error:
            self._keeper.drop("resources", self, error)
            return
        except StoreUnavailable as error:
            logger.warning("ops_client: resources of %s %s are not recorded: %s", self.work.kind, self.id, error)
            return
        if must_hold and not rows[0]["held"] and self._lost is None:
            self.lose("taken", self.version or 0)
        if must_hold:
            self.check()

    def _free_all(self) -> None:
        for resource in reversed(self._resources):
            free = self._free.pop(resource["uri"], None)
            if free is None:
                continue
            try:
                free(resource["uri"])
            except Exception:
                # One that cannot be freed keeps no other from it, and stays on the list for the backend's handlers.
                logger.exception("ops_client: %r could not be freed", resource["uri"])
                continue
            self.freed(resource["uri"])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.finish(error)
        except OperationLost:
            # The error of the work itself says more than that nobody asked for it any more.
            if error is None:
                raise
            logger.warning("ops_client: %s", self._lost)

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)


def _told(fault: Fault) -> dict[str, str]:
    return {"type": fault.type, "message": fault.message, "place": fault.place, "group": fault.group}
