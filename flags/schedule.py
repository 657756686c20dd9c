"""What schedules will do next. The evaluator keeps them: nothing has to run for a flag to come on in time."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Q, QuerySet, When
from django.db.models.functions import Least, Now
from django.utils import timezone

from flags.models import Flag

AHEAD = Q(on_at__gt=Now()) | Q(off_at__gt=Now())


@dataclass(frozen=True)
class Turn:
    """What a flag does by itself, and when: `turns on`, `turns off`."""

    what: str
    at: datetime


def scheduled() -> QuerySet[Flag]:
    """Flags in force that go by their rules and have a turn ahead."""
    return Flag.objects.filter(AHEAD, archived_at=None, everyone=None).order_by("name")


def soonest(most: int) -> list[Flag]:
    """The flags whose next turn comes first."""
    turns = Least(Case(When(on_at__gt=Now(), then="on_at")), Case(When(off_at__gt=Now(), then="off_at")))
    return list(scheduled().annotate(turn_at=turns).order_by("turn_at", "name")[:most])


def next_turn(flag: Flag, now: datetime | None = None) -> Turn | None:
    """The next one; None where its schedule is over or it has none."""
    now = now or timezone.now()
    if flag.on_at and flag.on_at > now:
        return Turn("turns on", flag.on_at)
    if flag.off_at and flag.off_at > now:
        return Turn("turns off", flag.off_at)
    return None
