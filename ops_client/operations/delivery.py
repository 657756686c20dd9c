"""The command handler: claims commands under a lease, hands each operation to its handler, says what became of it."""

import logging
import random
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ops_client.errors import StoreUnavailable
from ops_client.operations.commands import CommandRejected, FreeCommand, Handler, RetryCommand
from ops_client.store import Row, Store
from ops_client.text import replace_unstorable

logger = logging.getLogger("ops_client")
POLL_SECONDS = 1.0
LEASE_SECONDS = 60
REPORT_SECONDS = 1.0
REPORT_SIZE = 500
REMEMBERED = 20_000


@dataclass
class Report:
    """What became of operations since the last report."""

    handled: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    error: str = ""
    since: float = field(default_factory=time.monotonic)

    @property
    def is_due(self) -> bool:
        """Seldom enough to cost little, often enough to keep the lease and to be watched."""
        size = len(self.handled) + len(self.refused)
        return size >= REPORT_SIZE or time.monotonic() - self.since >= REPORT_SECONDS


class Delivery:
    """One thread. `handlers` is by `kind.verb`, and may be replaced by more while it runs."""

    def __init__(self, store: Store, handlers: Mapping[str, Handler], poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self.handlers = handlers
        self._poll_seconds = poll_seconds
        self._holder = uuid.uuid4()
        self._stop = threading.Event()
        # What this process has done and may not have been able to report: a second delivery is answered from here.
        self._done: OrderedDict[tuple[str, str, int], CommandRejected | None] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="ops-commands", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """End after the operation in hand; what is left of its command goes to whoever asks next."""
        self._stop.set()
        self._thread.join(timeout_seconds)

    def deliver_one(self) -> bool:
        """Claim one command and work it off; False when there is none. Raises StoreUnavailable."""
        rows = self._store.fetch(
            "claim_command", wanted=sorted(self.handlers), holder=self._holder, lease_seconds=LEASE_SECONDS
        )
        for command in rows:
            self._work(command)
        return bool(rows)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                busy = self.deliver_one()
            except StoreUnavailable as error:
                logger.info("ops_client: commands wait: %s", error)
                busy = False
            except Exception:
                logger.exception("ops_client: taking up commands failed; it is tried again")
                busy = False
            if not busy:
                self._stop.wait(self._poll_seconds * random.uniform(0.75, 1.25))  # noqa: S311 - spreads polls

    def _work(self, command: Row) -> None:
        handler = self.handlers[f"{command['kind']}.{command['verb']}"]
        report = Report()
        for operation in command["operations"]:
            if self._stop.is_set():
                self._acknowledge(command, report, "stop")
                return
            self._handle(handler, command, operation, report)
            if report.is_due:
                if not self._acknowledge(command, report, ""):
                    logger.warning("ops_client: command %s was given to another process", command["id"])
                    return
                report = Report(error=report.error)
        self._acknowledge(command, report, "end")

    def _handle(self, handler: Handler, command: Row, operation: Row, report: Report) -> None:
        key = (command["kind"], operation["operation_id"], operation["version"])
        try:
            refusal = self._done[key] if key in self._done else self._call(handler, command, operation)
        except Exception as error:
            # One operation that fails must not keep the others of its command from being done.
            logger.exception("ops_client: the handler of %s failed for %s", command["kind"], key[1])
            report.error = f"{key[1]}: {type(error).__name__}: {error}"
            return
        self._remember(key, refusal)
        done = {"operation_id": key[1], "version": key[2]}
        if refusal is None:
            report.handled.append(done)
        else:
            report.refused.append({**done, "field": refusal.field, "message": replace_unstorable(refusal.message)})

    def _call(self, handler: Handler, command: Row, operation: Row) -> CommandRejected | None:
        try:
            handler(_command_of(command, operation))
        except CommandRejected as refusal:
            return refusal
        return None

    def _remember(self, key: tuple[str, str, int], refusal: CommandRejected | None) -> None:
        self._done[key] = refusal
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def _acknowledge(self, command: Row, report: Report, ending: str) -> bool:
        results: dict[str, Any] = {"handled": report.handled, "refused": report.refused}
        rows = self._store.fetch(
            "ack_command",
            id=command["id"],
            holder=self._holder,
            results=results,
            ending=ending,
            error=replace_unstorable(report.error),
            lease_seconds=LEASE_SECONDS,
        )
        return bool(rows[0]["held"])


def _command_of(command: Row, operation: Row) -> RetryCommand | FreeCommand:
    if command["verb"] == "free":
        operation_id, version = operation["operation_id"], operation["version"]
        return FreeCommand(operation_id, version, operation["payload"], command["reason"])
    return RetryCommand(reason=command["reason"], **operation)
