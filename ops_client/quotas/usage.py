"""What a user has used, for a page of the backend that shows users their own usage."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops_client.quotas.decide import WARN_RATES, Kind, Source, warning_of


@dataclass(frozen=True, slots=True)
class Usage:
    """One resource of one user. `limit` None: no limit. `resets_at` is known for allowances."""

    resource: str
    title: str
    unit: str
    kind: Kind
    limit: int | None
    used: int
    source: Source
    policy: str
    window_seconds: int | None
    resets_at: datetime | None
    warn_rates: tuple[float, float] = WARN_RATES

    @property
    def used_rate(self) -> float | None:
        """The share that is used, 0..1 and above when a limit was lowered; None without a limit."""
        if self.limit is None:
            return None
        return self.used / self.limit if self.limit else 1.0

    @property
    def warning(self) -> str:
        """'' below the first of the resource's shares (80 % by default), 'near' from there, 'nearly' from the second
        (95 %), 'full' at the limit."""
        return warning_of(self.used_rate or 0.0, self.warn_rates)


def usage_of(row: dict[str, Any]) -> Usage:
    """From a row of the contract's `quota_usage`."""
    return Usage(
        resource=row["resource"],
        title=row["title"],
        unit=row["unit"],
        kind=Kind(row["kind"]),
        limit=row["limit_value"],
        used=row["used"] or 0,
        source=Source(row["source"]),
        policy=row["policy"],
        window_seconds=row["window_seconds"],
        resets_at=row["resets_at"],
        warn_rates=(row["warn_percent"] / 100, row["nearly_percent"] / 100),
    )
