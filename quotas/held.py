"""What a user holds at this moment: places, reserved room, and the calls of the current window, bucket by bucket."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from ops_console.directory import Person
from quotas import queries, words
from quotas.models import Reservation, Slot

# The ring turned to this moment: what has left the window is 0 already, as the next call would see it.
_RINGS = """
SELECT r.name, r.window_seconds, turned.counts
FROM ops.quotas_resource r JOIN ops.quotas_ring ring ON ring.resource = r.name AND ring.user_id = %s,
    LATERAL ops.quota_turned(
        ring, floor(extract(epoch FROM clock_timestamp()) * 20 / r.window_seconds)::bigint, r.window_seconds::integer
    ) turned
WHERE r.kind = 'rate' ORDER BY r.name
"""


@dataclass(frozen=True)
class Place:
    """A place of a concurrency limit, who holds it, and when it comes back by itself."""

    resource: str
    holder: UUID
    service: str
    taken_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Room:
    """Room held for something being stored."""

    id: UUID
    resource: str
    amount_words: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Window:
    """The calls of a rate's window, the oldest bucket first."""

    resource: str
    window_seconds: int
    counts: list[int]

    @property
    def used(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True)
class Held:
    """All of it. Falsy when there is nothing."""

    places: list[Place]
    rooms: list[Room]
    windows: list[Window]

    def __bool__(self) -> bool:
        return bool(self.places or self.rooms or self.windows)


def held_by(person: Person) -> Held:
    """What the user holds now; four queries."""
    return Held(_places(person), _rooms(person), _windows(person))


def _places(person: Person) -> list[Place]:
    live = Slot.objects.filter(user_id=person.id, holder__isnull=False, expires_at__gt=timezone.now())
    return [
        Place(each.resource, each.holder, each.service, each.taken_at, each.expires_at)
        for each in live.order_by("resource", "number")
        if each.holder
    ]


def _rooms(person: Person) -> list[Room]:
    units = queries.units()
    live = Reservation.objects.filter(user_id=person.id, expires_at__gt=timezone.now()).order_by("expires_at")
    return [
        Room(each.pk, each.resource, words.amount(units.get(each.resource, ""), each.amount), each.created_at,
             each.expires_at)
        for each in live
    ]  # fmt: skip


def _windows(person: Person) -> list[Window]:
    with connection.cursor() as cursor:
        cursor.execute(_RINGS, [person.id])
        windows = [Window(*row) for row in cursor.fetchall()]
    return [window for window in windows if window.used]
