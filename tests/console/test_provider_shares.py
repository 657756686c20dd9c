"""Shares of calls that failed, by provider and by minute."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from ops_console.telemetry.models import ProviderMinute
from ops_console.telemetry.provider_shares import by_minute, failure_lines, provider_shares

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_minute_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def minute(ago: int = 0) -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=ago)


def add(provider: str, ago: int, service: str = "api", **values: int) -> None:
    ProviderMinute.objects.create(provider=provider, minute_at=minute(ago), service=service, **values)


def test_minutes_and_services_add_up() -> None:
    """Shares are over all services and minutes asked for; attempts and final calls apart."""
    add("gemini", 0, attempts=6, failures=3, final_calls=4, final_failures=1)
    add("gemini", 1, "worker", attempts=4, failures=2, final_calls=4, final_failures=1)
    [share] = provider_shares()
    assert share.calls.failure_rate == 0.5
    assert share.calls.final_failure_rate == 0.25
    assert share.services == ("api", "worker")


def test_what_is_older_does_not_count() -> None:
    """Five minutes are five minutes."""
    add("gemini", 6, attempts=6, failures=6)
    assert provider_shares() == []


def test_no_calls_is_not_all_well() -> None:
    """Where nothing reached the provider there is no share, rather than a share of 0."""
    add("gemini", 0, refused=5, final_calls=5, final_failures=5)
    [share] = provider_shares()
    assert share.calls.failure_rate is None
    assert share.calls.final_failure_rate == 1


def test_an_hour_has_sixty_minutes_with_its_gaps() -> None:
    """Minutes without calls are there, empty; the newest is the last."""
    add("gemini", 2, attempts=5)
    minutes = by_minute("gemini", 60)
    assert len(minutes) == 60
    assert [one.at for one in minutes if one.calls.attempts] == [minute(2)]


def test_lines_have_gaps_where_nothing_was_called() -> None:
    """None, not 0: a sparkline must not show silence as success."""
    add("gemini", 1, attempts=4, failures=1)
    line = failure_lines(["gemini"], 5)["gemini"]
    assert line[-2:] == [0.25, None] and line[:3] == [None, None, None]
