"""`client.operations`: tracked work, handlers for the console's commands, and heartbeats of foreign rows."""

import inspect
import logging
import os
import socket
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ops_client.background import Job
from ops_client.errors import InvalidInput, StoreRefused
from ops_client.operations.commands import FreeHandler, Handler, RetryHandler
from ops_client.operations.delivery import Delivery
from ops_client.operations.keeping import Keeping
from ops_client.operations.tracker import TrackedOperation
from ops_client.operations.work import DEAD_AFTER_SECONDS, Work, require_kind
from ops_client.part import Part, Runtime
from ops_client.text import replace_unstorable

logger = logging.getLogger("ops_client")
LONG_HANDLER_SECONDS = 600.0


class OperationsClient(Part):
    """Takes commands up on one daemon thread, from the moment that a handler is registered and the client runs."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._handlers: dict[str, Handler] = {}
        self._keeping = Keeping(runtime)
        self._lock = threading.Lock()
        self._delivery: Delivery | None = None
        self._running = False

    def on_command(self, kind: str, *, retry: RetryHandler) -> None:
        """Have `retry` called, on a thread of the client's, for every operation of `kind` that an operator retries.

        It is called at least once for each (operation_id, version) and must do nothing the second time. It raises
        CommandRejected for what can never work; any other error is tried again, later and later, eight times.
        Raises InvalidInput for an async function, a kind that cannot be one, or where `kind` has a handler already.
        """
        self._handle(kind, "retry", retry)

    def on_free_resources(self, kind: str, free: FreeHandler) -> None:
        """Have `free` called for every operation of `kind` that failed from the console, some time after.

        It is called last, at least once for each, and finds nothing the second time; it raises as `retry` does.
        Raises InvalidInput as `on_command` does.
        """
        self._handle(kind, "free", free)

    def track(
        self,
        kind: str,
        operation_id: str | None = None,
        *,
        owner_id: str | None = None,
        title: str = "",
        tier: str = "",
        payload: Mapping[str, Any] | None = None,
        providers: Sequence[str] = (),
        expected_seconds: float | None = None,
        dead_after_seconds: int = DEAD_AFTER_SECONDS,
        version: int | None = None,
        worker: str = "",
    ) -> TrackedOperation:
        """Work that the console sees: `with client.operations.track("show_notes", title=...) as operation`.

        Entering the block starts it, leaving it ends it; a thread of the client's says meanwhile that it is alive.
        Under an id that is known already this is its next attempt; without an id it gets one. A handler passes the
        `version` of its command: then the start is refused (OperationLost) when it is not the newest, or not the
        first with it. `payload` is what a retry's handler is given; in it and in the descriptions, characters that
        PostgreSQL cannot store are replaced, and NaN becomes None. Raises InvalidInput.
        """
        work = Work(
            kind,
            operation_id or uuid.uuid4().hex,
            owner_id,
            title,
            tier,
            payload or {},
            providers,
            expected_seconds,
            dead_after_seconds,
        )
        self.runtime.wake()
        said = {**work.said(self.runtime.service), "worker": replace_unstorable((worker or _worker())[:200])}
        return TrackedOperation(self.runtime.store, self._keeping, work, said, version)

    def queue(self, kind: str, operation_id: str, **about: Any) -> bool:
        """Say that work waits for a worker; `track` with the same id starts it. False where it is known already.

        `about` is what `track` takes of it. True, too, where the database refuses to store it: the console then does
        not show it, and `status()["dropped"]` counts it. Raises InvalidInput, StoreUnavailable.
        """
        work = Work(kind, operation_id, **about)
        self.runtime.wake()
        try:
            rows = self.runtime.store.fetch("operation_queue", operation=work.said(self.runtime.service))
        except StoreRefused as error:
            self._refused(f"{kind} {operation_id!r} is not recorded as queued", error)
            return True
        return bool(rows[0]["is_new"])

    def heartbeat(self, kind: str, operation_id: str) -> None:
        """Say that the work on a foreign row is alive: its silence counts from now. Raises StoreUnavailable.

        An id that no row can have is logged and counted in `status()["dropped"]`.
        """
        self.runtime.wake()
        try:
            self.runtime.store.execute("operation_heartbeat", kind=kind, operation_id=operation_id)
        except StoreRefused as error:
            self._refused(f"the heartbeat of {kind} {operation_id!r} is not recorded", error)

    def handling(self) -> dict[str, Any] | None:
        """The operation that a command's handler works on now, and for how many seconds; None where there is none."""
        delivery = self._delivery
        return None if delivery is None else delivery.handling()

    def problems(self) -> list[dict[str, str]]:
        # Its lease is prolonged for as long as it runs: no other check reports a handler that hangs.
        handling = self.handling()
        if handling is None or handling["seconds"] < LONG_HANDLER_SECONDS:
            return []
        message = f"the handler has been working on {handling['operation_id']} for {handling['seconds'] / 60:.0f} min"
        return [{"flag": "commands", "rule": handling["name"], "message": message}]

    def dropped(self) -> dict[str, int]:
        return {"operations": self._keeping.dropped}

    def _refused(self, what: str, error: StoreRefused) -> None:
        self._keeping.dropped += 1
        logger.error("ops_client: %s: %s", what, error.message)

    def jobs(self) -> list[Job]:
        return [self._keeping.job()]

    def started(self) -> None:
        self._running = True
        self._begin()

    def closing(self) -> None:
        self._running = False
        if self._delivery is not None:
            self._delivery.stop()
            self._delivery = None

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        self._delivery = None
        self._running = False
        self._keeping = Keeping(self.runtime)

    def _handle(self, kind: str, verb: str, handler: Handler) -> None:
        require_kind(kind)
        if inspect.iscoroutinefunction(handler):
            raise InvalidInput(verb, "must be a plain function; it is called on a thread of its own")
        with self._lock:
            if f"{kind}.{verb}" in self._handlers:
                raise InvalidInput("kind", f"{kind!r} has a handler already in this process")
            self._handlers = {**self._handlers, f"{kind}.{verb}": handler}
        self._begin()

    def _begin(self) -> None:
        with self._lock:
            if not self._running or not self._handlers:
                return
            if self._delivery is None:
                self._delivery = Delivery(self.runtime.store, self._handlers, threads=self.runtime.threads)
                self._delivery.start()
            else:
                self._delivery.handlers = self._handlers


def _worker() -> str:
    """Who holds it: host, process and thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.current_thread().name}"
