"""One user's use over the last days, and their storage as it was measured: what the page draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from ops_console.directory import Person
from quotas import peaks, words
from quotas.models import Drift, Recount, Resource

DAYS = 7
HOURS_A_POINT = 4


@dataclass(frozen=True)
class History:
    """Peaks of one resource: `points` of a sparkline from the first peak on (None: nothing used), `rows` of a table."""

    resource: Resource
    points: list[float | None]
    rows: list[tuple[datetime, str, str]]
    highest_words: str


@dataclass(frozen=True)
class Measured:
    """A storage resource's level against what was measured: what differs, and the last wish to measure."""

    resource: Resource
    drift: Drift | None
    recount: Recount | None

    @property
    def drift_words(self) -> str:
        """`1.2 GB kept, 900 MB measured`."""
        if self.drift is None:
            return ""
        unit = self.resource.unit
        return f"{words.used(unit, self.drift.used)} kept, {words.used(unit, self.drift.measured)} measured"


def of_user(person: Person, resources: Sequence[Resource]) -> list[History]:
    """The last days of every resource that the user used."""
    now = timezone.now()
    found = [(each, peaks.history(person.id, each.name, DAYS * 24)) for each in resources]
    return [_history(resource, rows, now) for resource, rows in found if rows]


def measured(person: Person, resources: Sequence[Resource]) -> list[Measured]:
    """Storage of the user, as it was measured last."""
    drifts = {each.resource: each for each in peaks.drifts(user_id=person.id)}
    storage = [each for each in resources if each.kind == Resource.Kind.STORAGE]
    return [Measured(each, drifts.get(each.name), peaks.last_recount(each.name, person.id)) for each in storage]


def _history(resource: Resource, rows: list[tuple[datetime, int, int | None]], now: datetime) -> History:
    count = DAYS * 24 // HOURS_A_POINT
    points: list[float | None] = [None] * count
    start = now - timedelta(days=DAYS)
    for hour, peak, _ in rows:
        at = min(count - 1, max(0, int((hour - start).total_seconds() // (HOURS_A_POINT * 3600))))
        points[at] = max(peak, points[at] or 0)
    first = next(index for index, point in enumerate(points) if point is not None)
    table = [
        (hour, words.used(resource.unit, peak), words.amount(resource.unit, limit))
        for hour, peak, limit in reversed(rows)
    ]
    return History(resource, points[first:], table, words.used(resource.unit, max(peak for _, peak, _ in rows)))
