"""Allowances: a period begins where the resource's time zone says, also on the days when its clocks are changed."""

from datetime import UTC, datetime

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db
PRAGUE = "Europe/Prague"


def period(kind: str, zone: str, at: str) -> tuple[str, str]:
    """Begin and end of the period that holds `at`, in UTC."""
    with connection.cursor() as cursor:
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        cursor.execute(
            "SELECT ops.quota_period(%s, %s, %s, 0), ops.quota_period(%s, %s, %s, 1)", [kind, zone, moment] * 2
        )
        return tuple(each.astimezone(UTC).strftime("%m-%d %H:%M") for each in cursor.fetchone())


@pytest.mark.parametrize(
    ("kind", "zone", "at", "begin", "end"),
    [
        ("day", "UTC", "2026-03-29 00:30", "03-29 00:00", "03-30 00:00"),
        # Clocks go forward: a day of 23 hours.
        ("day", PRAGUE, "2026-03-29 12:00", "03-28 23:00", "03-29 22:00"),
        # And back: one of 25.
        ("day", PRAGUE, "2026-10-25 12:00", "10-24 22:00", "10-25 23:00"),
        # The hour that comes twice belongs to the same day both times.
        ("day", PRAGUE, "2026-10-25 00:30", "10-24 22:00", "10-25 23:00"),
        ("day", PRAGUE, "2026-10-25 01:30", "10-24 22:00", "10-25 23:00"),
        ("month", PRAGUE, "2026-10-31 23:30", "10-31 23:00", "11-30 23:00"),
        ("month", PRAGUE, "2026-03-15 00:00", "02-28 23:00", "03-31 22:00"),
        ("week", "Asia/Kolkata", "2026-11-22 20:00", "11-22 18:30", "11-29 18:30"),
        ("year", "America/New_York", "2026-12-31 23:59", "01-01 05:00", "01-01 05:00"),
        # Clocks go forward at midnight: the day begins at one.
        ("day", "Africa/Cairo", "2026-04-24 12:00", "04-23 22:00", "04-24 21:00"),
    ],
)
def test_periods_begin_where_their_zone_says(kind, zone, at, begin, end):
    """Begin and end are the zone's own midnights, whatever its clocks do in between."""
    assert period(kind, zone, at) == (begin, end)
