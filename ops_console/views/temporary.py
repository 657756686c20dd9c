"""Temporary changes: what is in force now and should be remembered, because it ends or has to be reverted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from flags.models import Flag
from flags.schedule import next_turn, soonest
from incidents.breakers.queries import overrides_in_force as breaker_overrides
from incidents.operations.progress import running_actions
from ops_console.audit.queries import last_changes
from quotas.queries import ending_next

KILLED_WITHIN = timedelta(days=7)
# Of each kind.
SHOWN = 12
MOST_OFF = 2_000


@dataclass(frozen=True)
class Temporary:
    """One thing: what it is, who did it and why, and when it ends; `end` says how where no time is set."""

    icon: str
    what: str
    url: str
    actor: str
    reason: str
    since: datetime
    until: datetime | None
    end: str = "when reverted"


def temporary() -> list[Temporary]:
    """Forced breakers, running bulks, killed and scheduled flags, quota overrides; the next to end first."""
    found = [*_breakers(), *_bulks(), *_killed_flags(), *_scheduled_flags(), *_quotas()]
    return sorted(found, key=lambda each: (each.until is None, each.until or each.since))


def _breakers() -> list[Temporary]:
    return [
        Temporary(
            "bolt",
            f"{order.breaker_id}: {order.get_mode_display().lower()}",
            reverse("breakers:page", args=[order.breaker_id]),
            order.actor,
            order.reason,
            order.set_at,
            order.expires_at,
        )
        for order in breaker_overrides()[:SHOWN]
    ]


def _bulks() -> list[Temporary]:
    return [
        Temporary(
            "queue-list",
            action.label,
            reverse("operations:action", args=[action.pk]),
            action.actor,
            action.reason,
            action.created_at,
            None,
            "when finished",
        )
        for action in running_actions()[:SHOWN]
    ]


def _killed_flags() -> list[Temporary]:
    """Flags that were turned off lately, by any channel, and are still off; the audit has who and why."""
    off = Flag.objects.filter(everyone=False, archived_at=None).order_by("-modified").values_list("pk", "name")
    names = {str(pk): name for pk, name in off[:MOST_OFF]}
    # A flag that was created off was not turned off by anybody: only edits are read.
    changes = last_changes("flag", list(names), ["everyone"], timezone.now() - KILLED_WITHIN, edits=SHOWN)
    killed = sorted(changes.values(), key=lambda entry: entry.pk, reverse=True)
    return [
        Temporary(
            "flag",
            f"{names[entry.target_id]} is off for everyone",
            reverse("flags:page", args=[entry.target_id]),
            entry.actor,
            entry.reason,
            entry.at,
            None,
        )
        for entry in killed
    ]


def _scheduled_flags() -> list[Temporary]:
    """Flags that turn on or off at a set time, and who scheduled it; not those that are on or off for everyone."""
    flags = {str(flag.pk): (flag, turn) for flag in soonest(SHOWN) if (turn := next_turn(flag))}
    entries = last_changes("flag", list(flags), ["on_at", "off_at"])
    return [
        Temporary(
            "clock",
            f"{flag.name} {turn.what}",
            reverse("flags:page", args=[flag.pk]),
            entries[pk].actor if pk in entries else "",
            entries[pk].reason if pk in entries else "",
            entries[pk].at if pk in entries else flag.modified,
            turn.at,
        )
        for pk, (flag, turn) in flags.items()
    ]


def _quotas() -> list[Temporary]:
    return [
        Temporary(
            "scale",
            f"{override.resource_id} of {override.user_id[:8]}: {_limit(override.limit)}",
            reverse("quotas:user", args=[override.user_id]),
            override.created_by,
            override.reason,
            override.created_at,
            override.expires_at,
        )
        for override in ending_next(SHOWN)
    ]


def _limit(limit: int | None) -> str:
    return "no limit" if limit is None else f"{limit:,}"
