"""What users have used by the hour: a user's history, and what another limit would have done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from quotas.models import Drift, Peak, Recount

SHOWN = 20


@dataclass(frozen=True)
class Replay:
    """Who would have been refused under another limit: how many, of how many that asked, and who by most."""

    users: int
    asked: int
    worst: list[tuple[str, int]]


def replay(resource: str, limit: int | None, tier: str | None = None, hours: int = 24) -> Replay:
    """What `limit` would have done to the users of a tier (None: all) that no override keeps from it.

    Peaks are by the hour and hold refused attempts too: whoever's is over the limit would have been refused then.
    """
    since = timezone.now() - timedelta(hours=hours)
    rows = Peak.objects.filter(resource=resource, hour__gte=since).exclude(source="override")
    rows = rows if tier is None else rows.filter(tier=tier)
    asked = rows.values("user_id").annotate(highest=Max("peak"))
    over = asked.filter(highest__gt=limit) if limit is not None else asked.none()
    worst = list(over.order_by("-highest").values_list("user_id", "highest")[:SHOWN])
    return Replay(over.count(), asked.count(), worst)


def history(user_id: str, resource: str, hours: int = 7 * 24) -> list[tuple[datetime, int, int | None]]:
    """Hour, peak and limit in force, the oldest first; an hour in which nothing was asked has no row."""
    since = timezone.now() - timedelta(hours=hours)
    rows = Peak.objects.filter(user_id=user_id, resource=resource, hour__gte=since).order_by("hour")
    return list(rows.values_list("hour", "peak", "limit"))


def drifts(resource: str | None = None, user_id: str | None = None) -> list[Drift]:
    """Levels that are not what was measured, the latest first."""
    wanted = {name: value for name, value in (("resource", resource), ("user_id", user_id)) if value is not None}
    return list(Drift.objects.filter(**wanted).order_by("-measured_at")[:200])


def last_recount(resource: str, user_id: str = "") -> Recount | None:
    """The last request to measure one user, or everybody; it is open until `finished_at`."""
    return Recount.objects.filter(resource=resource, user_id=user_id).order_by("-id").first()
