"""The fleet's side of a breaker as one process sees it, with the database's times on this process's own clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any, NamedTuple

from ops_client.breaker.machine import BreakerConfig, Counts, Mode, Override, Status, trips
from ops_client.store import Row

# More than this share of the living processes opens the breaker for all of them.
QUORUM_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Shared:
    """What the last snapshot says. `due_at`: monotonic seconds from which a probe may be asked for."""

    status: Status = Status.CLOSED
    epoch: int = 0
    due_at: float = inf
    override: Override | None = None


class Lease(NamedTuple):
    """Lease for the fleet's single half-open probe, in this epoch, begun before `until` (monotonic seconds).

    `alone`: taken without the database, for this process only.
    """

    epoch: int
    until: float
    alone: bool = False


class Report(NamedTuple):
    """What one live process reports of a provider."""

    status: Status
    counts: Counts


def shared_from_row(row: Row, config: BreakerConfig, now: datetime, monotonic: float) -> Shared:
    """Read one row of the snapshot. Raises KeyError, ValueError on one that this version cannot read."""
    database_now = _database_now(row, now)
    status = Status(row["status"])
    due_at = inf
    if status is Status.OPEN:
        due_at = monotonic + config.open_seconds + _seconds_until(row["since"], database_now)
    elif status is Status.HALF_OPEN:
        due_at = monotonic + _seconds_until(row["probe_until"], database_now)
    return Shared(status, int(row["epoch"]), due_at, _override(row, database_now, monotonic))


def cause_to_open(config: BreakerConfig, reports: Sequence[Report]) -> str | None:
    """Why the whole fleet should leave a provider alone, or None. One bad process among many is no reason."""
    opened = sum(report.status is not Status.CLOSED for report in reports)
    if opened > QUORUM_RATE * len(reports):
        return f"{opened} of {len(reports)} processes found it failing"
    failing = sum(report.counts.failures + report.counts.slow > 0 for report in reports)
    total = Counts(*(sum(column) for column in zip(*(report.counts for report in reports), strict=True)))
    if failing > 1 and trips(config, total):
        return f"{total.failures} of {total.calls} calls failed and {total.slow} were slow, in {failing} processes"
    return None


def _override(row: Row, database_now: datetime, monotonic: float) -> Override | None:
    if not row["override_mode"]:
        return None
    return Override(Mode(row["override_mode"]), monotonic + _seconds_until(row["override_expires_at"], database_now))


def _database_now(row: Row, now: datetime) -> datetime:
    # A row saved to disk carries the time of its reading, which says nothing of today: the host's clock must do.
    return now if isinstance(row["database_at"], str) else row["database_at"]


def _seconds_until(at: Any, now: datetime) -> float:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return float((moment.astimezone(UTC) - now).total_seconds())
