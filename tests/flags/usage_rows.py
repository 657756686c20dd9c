"""Rows as backends would have flushed them."""

from datetime import datetime, timedelta

from django.utils import timezone

from flags.models import Usage


def this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def asked(
    flag: str, days_ago: float = 0, count: int = 1, *, result: bool = True, service: str = "api", variant: str = ""
) -> datetime:
    """One row of an hour so many days ago; the moment of its last question."""
    hour = this_hour() - timedelta(days=days_ago)
    last_at = hour + timedelta(seconds=30)
    Usage.objects.create(
        flag=flag, hour=hour, service=service, variant=variant, result=result, count=count, last_at=last_at
    )
    return last_at
