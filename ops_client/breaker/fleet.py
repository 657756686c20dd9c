"""A breaker's dealings with the fleet: the shared state, and the one probe. Not locked: its breaker holds the lock."""

from dataclasses import replace
from typing import NamedTuple

from ops_client.breaker.machine import Refusal, Status
from ops_client.breaker.shared import Lease, Shared

# How long a caller is sent away while this process asks for the probe.
PROBE_WAIT_SECONDS = 1.0


class Probed(NamedTuple):
    """A probe that ended."""

    lease: Lease
    failed: bool


class Fleet:
    """What the last snapshot says, the lease this process holds, and what it still has to tell."""

    def __init__(self, open_seconds: float) -> None:
        self.shared = Shared()
        self._open_seconds = open_seconds
        self._closed_alone_epoch: int | None = None
        self.forget_parent()

    def forget_parent(self) -> None:
        self._lease: Lease | None = None
        self._wished = False
        self._probed: Probed | None = None

    def follow(self, shared: Shared) -> bool:
        """Take over a snapshot; True when it begins a new epoch."""
        begins = shared.epoch != self.shared.epoch
        if self._lease is not None and self._lease.epoch < shared.epoch:
            self._lease = None
        if begins:
            self._wished = False
        # What this process learned while the database was unreachable stands until the fleet moves on.
        self.shared = replace(shared, status=Status.CLOSED) if shared.epoch == self._closed_alone_epoch else shared
        return begins

    def ask(self, now: float) -> Lease | Refusal:
        """While the fleet is not closed: the probe if this process was granted it, to one caller."""
        lease, self._lease = self._lease, None
        if lease is not None and now < lease.until:
            return lease
        wait = self.shared.due_at - now
        if wait > 0:
            return Refusal(wait)
        self._wished = True
        return Refusal(PROBE_WAIT_SECONDS)

    def settle(self, lease: Lease, failed: bool, now: float) -> bool:
        """Take in the probe's result. True when it closes the breaker for this process alone."""
        if not lease.alone:
            self._probed = Probed(lease, failed)
            return False
        if lease.epoch != self.shared.epoch:
            return False
        if failed:
            self.shared = replace(self.shared, due_at=now + self._open_seconds)
            return False
        self._closed_alone_epoch = lease.epoch
        self.shared = replace(self.shared, status=Status.CLOSED)
        self._probed = Probed(lease, failed)
        return True

    def grant(self, lease: Lease) -> None:
        """The next caller in this process makes the probe."""
        self._lease = lease

    def take_wish(self) -> int | None:
        """The shared epoch in which a caller came when the probe was due, once; None when nobody did."""
        wished, self._wished = self._wished, False
        return self.shared.epoch if wished else None

    def take_probed(self) -> Probed | None:
        """The probe that ended, once."""
        probed, self._probed = self._probed, None
        return probed

    def put_back(self, probed: Probed) -> None:
        """Its result could not be told yet; a newer one wins."""
        self._probed = self._probed or probed
