"""How a breaker stands, all things considered: its shared state, the time, an operator's order, its processes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from incidents.breakers.models import Breaker, Mode, Override, Status, Transition
from ops_console.contract.queries import ALIVE_SECONDS
from ops_console.telemetry.provider_shares import Calls

_SHARED = {
    "closed": ("ok", "Closed", "check-circle"),
    "open": ("bad", "Open", "x-circle"),
    "half_open": ("warn", "Half-open", "adjustments-horizontal"),
    "due": ("warn", "Half-open due", "clock"),
}


@dataclass(frozen=True)
class Seen:
    """How one living process sees the provider by itself."""

    instance_id: UUID
    service: str
    host: str
    pid: int
    status: str
    calls: int
    failures: int
    reported_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class Badge:
    """What the status badge shows."""

    word: str
    tone: str
    label: str
    icon: str = ""


FORCED = {
    Mode.FORCE_OPEN: Badge("forced_open", "bad", "Forced open", "hand-raised"),
    Mode.FORCE_CLOSED: Badge("forced_closed", "warn", "Forced closed", "hand-raised"),
    Mode.DISABLED: Badge("disabled", "warn", "Disabled", "hand-raised"),
}


@dataclass(frozen=True)
class BreakerState:
    """One breaker as pages show it. `now` is the database's time of the reading."""

    row: Breaker
    now: datetime
    override: Override | None = None
    calls: Calls = field(default_factory=Calls)
    services: tuple[str, ...] = ()
    # Live processes that have it, those of them that opened it for themselves, and the first of them.
    processes: int = 0
    open_in: int = 0
    seen: tuple[Seen, ...] = ()
    heard_at: datetime | None = None
    last: Transition | None = None

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def shared(self) -> str:
        """The shared state, with `due` for one whose open time, or whose probe's lease, is over."""
        due_at = self.due_at
        return "due" if due_at is not None and due_at <= self.now else self.row.status

    @property
    def due_at(self) -> datetime | None:
        """When the next probe may be made; None while closed."""
        if self.row.status == Status.OPEN:
            return self.row.since + timedelta(seconds=float(self.config.get("open_seconds", 0)))
        return self.row.probe_until

    @property
    def config(self) -> dict[str, Any]:
        return self.row.config if isinstance(self.row.config, dict) else {}

    @property
    def badge(self) -> Badge:
        """What is in force: an operator's order before the shared state."""
        if self.override is not None:
            return FORCED[Mode(self.override.mode)]
        tone, label, icon = _SHARED[self.shared]
        return Badge(self.shared, tone, label, icon)

    @property
    def is_calm(self) -> bool:
        """Closed everywhere, and by nobody's order."""
        return self.override is None and self.row.status == Status.CLOSED and not self.open_in

    @property
    def is_stale(self) -> bool:
        """No process has spoken for a while: what is shown may be long past."""
        return self.heard_at is None or self.now - self.heard_at > timedelta(seconds=ALIVE_SECONDS)

    @property
    def since(self) -> datetime:
        return self.override.set_at if self.override is not None else self.row.since
