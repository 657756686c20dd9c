"""Between the breakers of this process and the shared database: on the background thread only."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ops_client.batches import write_each
from ops_client.breaker.breaker import Breaker, Outlook
from ops_client.breaker.fleet import Probed
from ops_client.breaker.machine import Counts, Status
from ops_client.breaker.shared import Lease, Report, cause_to_open
from ops_client.breaker.tally import Pending
from ops_client.errors import StoreRefused, StoreUnavailable
from ops_client.part import Runtime
from ops_client.store import Row

logger = logging.getLogger("ops_client")
PUBLISH_SECONDS = 2.0
# After the database was unreachable, how long until the next attempt.
AWAY_SECONDS = 2.0


class Publisher:
    """Registers breakers, reports what this process sees, adds up its calls, and moves the shared state."""

    def __init__(self, runtime: Runtime, breakers: Callable[[], Mapping[str, Breaker]]) -> None:
        self._runtime = runtime
        self._breakers = breakers
        self._pending = Pending()
        self._registered: set[str] = set()
        self._reported: dict[str, Outlook] = {}
        self._refused: set[str] = set()
        self.dropped = 0
        self._publish_at = 0.0
        self._away_until = 0.0

    def tick(self) -> None:
        """Told often: does what callers wait for at once, and the rest every PUBLISH_SECONDS."""
        now = self._monotonic()
        breakers = list(self._breakers().values())
        if now < self._away_until:
            self._probe_alone(breakers)
            return
        try:
            for breaker in breakers:
                self._tell_probed(breaker)
                self._seek_probe(breaker)
            turned = [breaker.take_turned() for breaker in breakers]
            if any(turned) or now >= self._publish_at:
                self._publish_at = 0.0  # until it is done
                self.publish()
                self._publish_at = now + PUBLISH_SECONDS
        except StoreUnavailable:
            self._away_until = self._monotonic() + AWAY_SECONDS
            self._probe_alone(breakers)
            raise

    def publish(self) -> None:
        """Everything that is new. Raises StoreUnavailable; what was not written is kept for the next time."""
        breakers = self._breakers()
        self._collect(breakers)
        if not breakers:
            return
        self._register(breakers)
        self._report(breakers)
        self._write_minutes()
        self._judge(breakers)

    def forget_registration(self, name: str) -> None:
        """The database does not know the breaker (any more)."""
        self._registered.discard(name)
        self._refused.discard(name)
        self._reported.pop(name, None)

    def _collect(self, breakers: Mapping[str, Breaker]) -> None:
        now = self._monotonic()
        for name, breaker in breakers.items():
            if tally := breaker.take_tally():
                self._pending.add(name, tally, now)

    def _register(self, breakers: Mapping[str, Breaker]) -> None:
        for name in breakers.keys() - self._registered - self._refused:
            try:
                self._runtime.store.execute("register_breaker", breaker=name, config=asdict(breakers[name].config))
                self._registered.add(name)
            except StoreRefused as error:
                # It works on in this process alone. Tried again when its row, or the database's, has changed.
                logger.error("ops_client: the breaker %s is not registered: %s", name, error.message)
                self._refused.add(name)
                self.dropped += 1

    def _report(self, breakers: Mapping[str, Breaker]) -> None:
        outlooks = {name: breaker.outlook() for name, breaker in breakers.items()}
        changed = {name: outlook for name, outlook in outlooks.items() if outlook != self._reported.get(name)}
        rows = [
            {"name": name, "status": outlook.status.value, "epoch": outlook.epoch, **outlook.counts._asdict()}
            for name, outlook in changed.items()
            if name not in self._refused
        ]
        self.dropped += write_each(rows, self._write_reports, "breaker reports")
        self._reported.update(changed)

    def _write_reports(self, rows: Sequence[Row]) -> None:
        self._runtime.store.execute("report_breakers", rows=list(rows), instance=self._runtime.instance_id)

    def _write_minutes(self) -> None:
        def write(rows: Sequence[Row]) -> None:
            self._runtime.store.execute("add_provider_minutes", rows=list(rows), service=self._runtime.service)
            self._pending.written(rows)

        self.dropped += write_each(self._pending.rows(self._monotonic()), write, "provider minutes")
        self._pending.clear()  # of what was refused

    def _judge(self, breakers: Mapping[str, Breaker]) -> None:
        """Only a process that sees failures itself asks whether the fleet should open."""
        worried = [name for name, seen in self._reported.items() if _is_worried(seen)]
        if not worried:
            return
        rows = self._runtime.store.fetch("breaker_reports", names=worried, instance=self._runtime.instance_id)
        for name in worried:
            cause = cause_to_open(breakers[name].config, [_report(row) for row in rows if row["name"] == name])
            with breakers[name].fleet() as fleet:
                shared = fleet.shared
            if cause and shared.status is Status.CLOSED:
                self._move(name, shared.epoch, Status.OPEN, cause)

    def _tell_probed(self, breaker: Breaker) -> None:
        with breaker.fleet() as fleet:
            probed = fleet.take_probed()
        if probed is None:
            return
        try:
            self._settle(breaker.name, probed)
        except StoreUnavailable:
            with breaker.fleet() as fleet:
                fleet.put_back(probed)
            raise

    def _settle(self, name: str, probed: Probed) -> None:
        epoch: int | None = probed.lease.epoch
        if probed.lease.alone:
            epoch = self._take_probe(name, probed.lease.epoch)
        if epoch is None:
            return
        if probed.failed:
            self._move(name, epoch, Status.OPEN, "the probe failed")
        else:
            self._move(name, epoch, Status.CLOSED, "the probe succeeded")

    def _seek_probe(self, breaker: Breaker) -> None:
        with breaker.fleet() as fleet:
            wished = fleet.take_wish()
        if wished is None:
            return
        # The lease runs from before the question: our clock must never think it longer than the database does.
        until = self._monotonic() + breaker.config.probe_seconds
        try:
            epoch = self._take_probe(breaker.name, wished)
        except StoreUnavailable:
            with breaker.fleet() as fleet:
                fleet.grant(Lease(wished, until, alone=True))
            raise
        if epoch is not None:
            with breaker.fleet() as fleet:
                fleet.grant(Lease(epoch, until))

    def _probe_alone(self, breakers: list[Breaker]) -> None:
        for breaker in breakers:
            with breaker.fleet() as fleet:
                wished = fleet.take_wish()
                if wished is not None:
                    until = self._monotonic() + breaker.config.probe_seconds
                    fleet.grant(Lease(wished, until, alone=True))

    def _take_probe(self, name: str, epoch: int) -> int | None:
        rows = self._runtime.store.fetch(
            "take_probe",
            breaker=name,
            epoch=epoch,
            service=self._runtime.service,
            instance=self._runtime.instance_id,
        )
        return rows[0]["epoch"] if rows else None

    def _move(self, name: str, epoch: int, status: Status, cause: str) -> None:
        rows = self._runtime.store.fetch(
            "move_breaker",
            breaker=name,
            epoch=epoch,
            status=status.value,
            cause=cause,
            service=self._runtime.service,
            instance=self._runtime.instance_id,
        )
        if not rows or rows[0]["epoch"] is None:
            logger.info("ops_client: %s had moved on when this process said: %s", name, cause)

    def _monotonic(self) -> float:
        return self._runtime.clock.monotonic()


def _is_worried(outlook: Outlook) -> bool:
    return outlook.status is not Status.CLOSED or outlook.counts.failures + outlook.counts.slow > 0


def _report(row: dict[str, Any]) -> Report:
    return Report(Status(row["status"]), Counts(row["calls"], row["failures"], row["slow"]))
