"""The command handler: claims commands under a lease, hands each operation to its handler, reports the results."""

import logging
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops_client.errors import StoreUnavailable, described
from ops_client.operations.commands import Claim, CommandRejected, FreeCommand, Handler, RetryCommand
from ops_client.store import Row, Store
from ops_client.text import replace_unstorable
from ops_client.threads import SupervisedThread, ThreadSupervisor

logger = logging.getLogger("ops_client")
POLL_SECONDS = 1.0
# How long after a kill the command waits. Long enough for a handler that holds the interpreter's lock for 10 s.
LEASE_SECONDS = 15
PROLONG_SECONDS = 3.0
PROLONG_AGAIN_SECONDS = 1.0
PROLONG_WITHIN_SECONDS = 4.0
REPORT_SECONDS = 1.0
REPORT_SIZE = 500
# As the console keeps it.
LONGEST_REFUSAL = 2000
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
    """One thread for handlers, and one that keeps the lease. `handlers` is by `kind.verb`; more may come later."""

    def __init__(
        self,
        store: Store,
        handlers: Mapping[str, Handler],
        poll_seconds: float = POLL_SECONDS,
        threads: ThreadSupervisor | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self.handlers = handlers
        self._poll_seconds = poll_seconds
        self._monotonic = monotonic
        self._stop = threading.Event()
        # The command in hand and the claim on it: what the other thread prolongs.
        self._in_hand: tuple[int, Claim] | None = None
        # What the handler works on, and since when (monotonic seconds).
        self._handling: tuple[str, str, float] | None = None
        # What this process has done and may not have been able to report: a second delivery is answered from here.
        self._done: OrderedDict[tuple[str, str, int], CommandRejected | None] = OrderedDict()
        threads = threads or ThreadSupervisor()
        self._thread = threads.add(SupervisedThread("ops-commands", self._run, self._stop))
        self._stop_prolonging = threading.Event()
        self._prolonger = threads.add(SupervisedThread("ops-command-lease", self._prolong, self._stop_prolonging))

    def start(self) -> None:
        self._prolonger.start()
        self._thread.start()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """End after the operation in hand; what is left of its command goes to whoever asks next.

        A handler that has not ended by then loses its command when the lease runs out.
        """
        self._stop.set()
        self._thread.join(timeout_seconds)
        self._stop_prolonging.set()
        self._prolonger.join(PROLONG_WITHIN_SECONDS + 1)

    def deliver_one(self) -> bool:
        """Claim one command and work it off; False when there is none. Raises StoreUnavailable."""
        claim = Claim(self._monotonic() + LEASE_SECONDS, self._monotonic)
        rows = self._store.fetch(
            "claim_command", wanted=sorted(self.handlers), holder=claim.token, lease_seconds=LEASE_SECONDS
        )
        for command in rows:
            self._in_hand = command["id"], claim
            try:
                self._work(command, claim)
            finally:
                self._in_hand = None
        return bool(rows)

    def handling(self) -> dict[str, Any] | None:
        """The operation that a handler works on now: `name` (`kind.verb`), `operation_id` and `seconds`; else None."""
        handling = self._handling
        if handling is None:
            return None
        name, operation_id, began = handling
        return {"name": name, "operation_id": operation_id, "seconds": self._monotonic() - began}

    def prolong(self) -> float:
        """Prolong the lease of the command in hand, if there is one; the seconds until it has to be done again."""
        in_hand = self._in_hand
        if in_hand is None:
            return PROLONG_SECONDS
        command_id, claim = in_hand
        until = self._monotonic() + LEASE_SECONDS
        try:
            rows = self._store.fetch(
                "prolong_command",
                within_seconds=PROLONG_WITHIN_SECONDS,
                id=command_id,
                holder=claim.token,
                lease_seconds=LEASE_SECONDS,
            )
        except StoreUnavailable as error:
            logger.warning("ops_client: the lease of command %s is not prolonged: %s", command_id, error)
            return PROLONG_AGAIN_SECONDS
        if rows[0]["held"]:
            claim.prolong(until)
        elif self._in_hand == in_hand:
            # Not one that was acknowledged meanwhile.
            logger.warning("ops_client: command %s was given to another process, or taken back", command_id)
            claim.lose()
        return PROLONG_SECONDS

    def _prolong(self) -> None:
        seconds = PROLONG_SECONDS
        while not self._stop_prolonging.wait(seconds):
            seconds = self.prolong()

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

    def _work(self, command: Row, claim: Claim) -> None:
        handler = self.handlers[f"{command['kind']}.{command['verb']}"]
        report = Report()
        for operation in command["operations"]:
            if self._stop.is_set():
                self._acknowledge(command, claim, report, "stop")
                return
            self._handle(handler, command, claim, operation, report)
            if claim.is_lost or report.is_due:
                # A claim that only this process believes lost is confirmed by this, and goes on.
                if not self._acknowledge(command, claim, report, ""):
                    return
                report = Report(error=report.error)
        self._acknowledge(command, claim, report, "end")

    def _handle(self, handler: Handler, command: Row, claim: Claim, operation: Row, report: Report) -> None:
        key = (command["kind"], operation["operation_id"], operation["version"])
        self._handling = f"{command['kind']}.{command['verb']}", key[1], self._monotonic()
        try:
            refusal = self._done[key] if key in self._done else self._call(handler, command, claim, operation)
        except BaseException as error:
            # One operation that fails must not keep the others of its command from being done.
            logger.exception("ops_client: the handler of %s failed for %s", command["kind"], key[1])
            report.error = f"{key[1]}: {type(error).__name__}: {described(error)}"
            return
        finally:
            self._handling = None
        self._remember(key, refusal)
        done = {"operation_id": key[1], "version": key[2]}
        if refusal is None:
            report.handled.append(done)
        else:
            # A subclass of the backend's may not have called CommandRejected.__init__.
            field, message = getattr(refusal, "field", ""), getattr(refusal, "message", None) or described(refusal)
            report.refused.append({**done, "field": str(field), "message": str(message)[:LONGEST_REFUSAL]})

    def _call(self, handler: Handler, command: Row, claim: Claim, operation: Row) -> CommandRejected | None:
        try:
            handler(_command_of(command, claim, operation))
        except CommandRejected as refusal:
            return refusal
        return None

    def _remember(self, key: tuple[str, str, int], refusal: CommandRejected | None) -> None:
        self._done[key] = refusal
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    def _acknowledge(self, command: Row, claim: Claim, report: Report, ending: str) -> bool:
        results: dict[str, Any] = {"handled": report.handled, "refused": report.refused}
        if ending:
            self._in_hand = None  # the lease ends with this
        until = self._monotonic() + LEASE_SECONDS
        rows = self._store.fetch(
            "ack_command",
            id=command["id"],
            holder=claim.token,
            results=replace_unstorable(results),
            ending=ending,
            error=replace_unstorable(report.error),
            lease_seconds=LEASE_SECONDS,
        )
        if not rows[0]["held"]:
            logger.warning("ops_client: the results of command %s are refused: it is another's by now", command["id"])
            claim.lose()
            return False
        claim.prolong(until)
        return True


def _command_of(command: Row, claim: Claim, operation: Row) -> RetryCommand | FreeCommand:
    if command["verb"] == "free":
        operation_id, version = operation["operation_id"], operation["version"]
        return FreeCommand(operation_id, version, operation["payload"], command["reason"], claim)
    return RetryCommand(reason=command["reason"], claim=claim, **operation)
