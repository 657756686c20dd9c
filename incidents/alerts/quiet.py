"""Quiet hours, pure: when a message that comes up now may go."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def due_at(now: datetime, quiet_from: time | None, quiet_until: time | None, zone: str) -> datetime:
    """`now`, or the end of the quiet hours that it falls into. They may pass midnight; equal ends are no quiet."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return now
    local = now.astimezone(ZoneInfo(zone))
    clock = local.time().replace(tzinfo=None)
    over_midnight = quiet_from > quiet_until
    inside = clock >= quiet_from or clock < quiet_until if over_midnight else quiet_from <= clock < quiet_until
    if not inside:
        return now
    tomorrow = over_midnight and clock >= quiet_from
    day = local.date() + timedelta(days=int(tomorrow))
    return datetime.combine(day, quiet_until, ZoneInfo(zone)).astimezone(UTC)
