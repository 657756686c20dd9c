"""What is temporarily in force: everything that somebody should remember to take back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from flags.models import Flag
from flags.schedule import next_turn, scheduled
from incidents.breakers.queries import overrides_in_force as breaker_overrides
from incidents.operations.progress import running_actions
from ops_console.audit.models import Entry
from quotas.queries import in_force as quota_overrides

KILLED_WITHIN = timedelta(days=7)
SHOWN = 12


@dataclass(frozen=True)
class Temporary:
    """One thing: what it is, who did it and why, and when it ends by itself (None: not by itself)."""

    icon: str
    what: str
    url: str
    actor: str
    reason: str
    since: datetime
    until: datetime | None


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
        for order in breaker_overrides()
    ]


def _bulks() -> list[Temporary]:
    return [
        Temporary(
            "queue-list",
            f"{action.get_verb_display()} of {action.total:,} operations",
            reverse("operations:action", args=[action.pk]),
            action.actor,
            action.reason,
            action.created_at,
            None,
        )
        for action in running_actions()
    ]


def _killed_flags() -> list[Temporary]:
    """Flags that were turned off lately, through whatever door, and are off still; the audit knows who and why."""
    turned_off = Entry.objects.filter(
        target_type="flag", at__gte=timezone.now() - KILLED_WITHIN, before__isnull=False, after__everyone=False
    ).exclude(before__everyone=False)
    killed = {entry.target_id: entry for entry in turned_off.order_by("id")}
    flags = Flag.objects.filter(pk__in=killed, everyone=False, archived_at=None)
    return [
        Temporary(
            "flag",
            f"{flag.name} is off for everyone",
            reverse("flags:page", args=[flag.pk]),
            killed[str(flag.pk)].actor,
            killed[str(flag.pk)].reason,
            killed[str(flag.pk)].at,
            None,
        )
        for flag in flags
    ]


def _scheduled_flags() -> list[Temporary]:
    """Flags that will come on or go off by themselves, and who planned it; those that an operator settled will not."""
    flags = {str(flag.pk): (flag, turn) for flag in scheduled() if (turn := next_turn(flag))}
    planned = Entry.objects.filter(target_type="flag", target_id__in=flags, after__has_any_keys=["on_at", "off_at"])
    same = Q(before__on_at=F("after__on_at"), before__off_at=F("after__off_at"))
    entries = {entry.target_id: entry for entry in planned.exclude(same).order_by("id")}
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
        for override in quota_overrides()[:SHOWN]
    ]


def _limit(limit: int | None) -> str:
    return "no limit" if limit is None else f"{limit:,}"
