"""How providers do: what the overview, alerts and rollouts read of the calls that breakers counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import QuerySet, Sum
from django.utils import timezone

from ops_console.telemetry.models import ProviderMinute

_COUNTED = ("attempts", "failures", "slow", "final_calls", "final_failures", "refused")


@dataclass(frozen=True)
class Calls:
    """Calls of some time. Rates are 0..1, and None where nothing was called: no calls is not all well."""

    attempts: int = 0
    failures: int = 0
    slow: int = 0
    final_calls: int = 0
    final_failures: int = 0
    refused: int = 0

    @property
    def failure_rate(self) -> float | None:
        return self.failures / self.attempts if self.attempts else None

    @property
    def final_failure_rate(self) -> float | None:
        return self.final_failures / self.final_calls if self.final_calls else None


@dataclass(frozen=True)
class ProviderShare:
    """One provider's calls in the minutes asked for, and which services made them."""

    provider: str
    calls: Calls
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Minute:
    """One minute of a provider; `calls` is empty where nothing was called."""

    at: datetime
    calls: Calls


def provider_shares(minutes: int = 5, providers: Sequence[str] | None = None) -> list[ProviderShare]:
    """Every provider (of these) that was called in the last so many minutes, by name; one query."""
    rows = (
        _since(minutes, providers)
        .values("provider")
        .annotate(services=ArrayAgg("service", distinct=True), **{f"{name}_sum": Sum(name) for name in _COUNTED})
        .order_by("provider")
    )
    return [ProviderShare(row["provider"], _calls(row), tuple(row["services"])) for row in rows]


def by_minute(provider: str, minutes: int = 60) -> list[Minute]:
    """The provider's last so many minutes, the oldest first, with those in which nothing was called."""
    rows = (
        _since(minutes)
        .filter(provider=provider)
        .values("minute_at")
        .annotate(**{f"{name}_sum": Sum(name) for name in _COUNTED})
    )
    known = {row["minute_at"]: _calls(row) for row in rows}
    newest = timezone.now().replace(second=0, microsecond=0)
    moments = [newest - timedelta(minutes=ago) for ago in reversed(range(minutes))]
    return [Minute(at, known.get(at, Calls())) for at in moments]


def failure_lines(providers: Sequence[str], minutes: int = 30) -> dict[str, list[float | None]]:
    """By provider, the failing share of each of the last so many minutes; None where nothing was called. One query."""
    rows = _since(minutes, providers).values_list("provider", "minute_at").annotate(Sum("failures"), Sum("attempts"))
    newest = timezone.now().replace(second=0, microsecond=0)
    lines: dict[str, list[float | None]] = {}
    for provider, at, failures, attempts in rows:
        line = lines.setdefault(provider, [None] * minutes)
        age = int((newest - at).total_seconds() // 60)
        if 0 <= age < minutes and attempts:
            line[minutes - 1 - age] = failures / attempts
    return lines


def _since(minutes: int, providers: Sequence[str] | None = None) -> QuerySet[ProviderMinute]:
    found = ProviderMinute.objects.filter(minute_at__gt=timezone.now() - timedelta(minutes=minutes))
    return found if providers is None else found.filter(provider__in=providers)


def _calls(row: Mapping[str, Any]) -> Calls:
    return Calls(**{name: int(row[f"{name}_sum"]) for name in _COUNTED})
