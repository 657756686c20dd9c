"""States of an alert, pure: what was seen, how long ago, and the rule in; the next state and the notification out.

ok -> pending (seen, but not for long enough yet) -> firing -> resolved (not seen for long enough). No data is neither
seen nor gone: it changes nothing, and is shown as such. Disabling a rule resolves what fires, as `closed`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Event(StrEnum):
    """What people are notified of."""

    FIRED = "fired"
    RESOLVED = "resolved"
    CLOSED = "closed"


@dataclass(frozen=True)
class Timing:
    """How long something must be seen before it fires, and be gone before it is over; both in seconds."""

    for_seconds: int
    keep_firing_seconds: int


@dataclass(frozen=True)
class Standing:
    """An alert that is not over. `since` is when it was first seen, `last_seen_at` when it was last."""

    state: State
    since: datetime
    last_seen_at: datetime


def seen(standing: Standing | None, timing: Timing, now: datetime) -> tuple[Standing, Event | None]:
    """The condition holds at `now`."""
    standing = standing or Standing(State.PENDING, now, now)
    standing = replace(standing, last_seen_at=now)
    if standing.state == State.PENDING and now - standing.since >= timedelta(seconds=timing.for_seconds):
        return replace(standing, state=State.FIRING), Event.FIRED
    return standing, None


def gone(standing: Standing, timing: Timing, now: datetime) -> tuple[Standing | None, Event | None]:
    """The condition does not hold at `now`. A pending one is forgotten: it never fired, and nobody was told."""
    if standing.state == State.PENDING:
        return None, None
    if now - standing.last_seen_at >= timedelta(seconds=timing.keep_firing_seconds):
        return replace(standing, state=State.RESOLVED), Event.RESOLVED
    return standing, None
