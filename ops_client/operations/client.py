"""`client.operations`: handlers for the console's commands, and heartbeats."""

import inspect
import threading

from ops_client.errors import InvalidInput
from ops_client.operations.commands import Handler
from ops_client.operations.delivery import Delivery
from ops_client.part import Part, Runtime


class OperationsClient(Part):
    """Takes commands up on one daemon thread, from the moment that a handler is registered and the client runs."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._handlers: dict[str, Handler] = {}
        self._lock = threading.Lock()
        self._delivery: Delivery | None = None
        self._running = False

    def on_command(self, kind: str, *, retry: Handler) -> None:
        """Have `retry` called, on a thread of the client's, for every operation of `kind` that an operator retries.

        It is called at least once for each (operation_id, version) and must do nothing the second time. It raises
        CommandRejected for what can never work; any other error is tried again, later and later, eight times.
        Raises InvalidInput for an async function, or where `kind` has a handler already.
        """
        if inspect.iscoroutinefunction(retry):
            raise InvalidInput("retry", "must be a plain function; it is called on a thread of its own")
        with self._lock:
            if f"{kind}.retry" in self._handlers:
                raise InvalidInput("kind", f"{kind!r} has a handler already in this process")
            self._handlers = {**self._handlers, f"{kind}.retry": retry}
        self._begin()

    def heartbeat(self, kind: str, operation_id: str) -> None:
        """Say that the work on an operation is alive: its silence counts from now. Raises StoreUnavailable."""
        self.runtime.wake()
        self.runtime.store.execute("operation_heartbeat", kind=kind, operation_id=operation_id)

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

    def _begin(self) -> None:
        with self._lock:
            if not self._running or not self._handlers:
                return
            if self._delivery is None:
                self._delivery = Delivery(self.runtime.store, self._handlers)
                self._delivery.start()
            else:
                self._delivery.handlers = self._handlers
