"""Archiving many flags at once: what would be done, then one by one through the one service."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from flags import prerequisites, services, usage
from flags.models import Flag
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.errors import ConsoleError, InvalidInput

MOST = 1_000
_LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Plan:
    """`flags` would be archived, of which `asked` were asked for lately; `left` says of others why they would stay."""

    flags: list[Flag]
    asked: list[str]
    left: list[tuple[Flag, str]]


@dataclass(frozen=True)
class Outcome:
    """How many were archived, and what was refused and why."""

    archived: int
    refused: list[str]


def plan(ids: Iterable[int]) -> Plan:
    """What archiving these flags would do. Raises InvalidInput for none, or too many."""
    chosen = list(Flag.objects.filter(pk__in=set(ids)).order_by("name")[: MOST + 1])
    if not chosen:
        raise InvalidInput("ids", "No flag is selected, or none of them is left.")
    if len(chosen) > MOST:
        raise InvalidInput("ids", f"At most {MOST:,} flags can be archived at once. Narrow the filter.")
    needed = prerequisites.needed(flag.name for flag in chosen)
    said = [(flag, _stays(flag, needed.get(flag.name, []))) for flag in chosen]
    flags = [flag for flag, reason in said if not reason]
    asked = usage.last_asked(flag.name for flag in flags)
    return Plan(flags, _lately(asked, timezone.now()), [(flag, reason) for flag, reason in said if reason])


def archive(actor: Actor, ids: Sequence[int], reason: str) -> Outcome:
    """Archive each of the flags that `plan` would; one that is refused meanwhile does not stop the others."""
    require(actor, Role.OPERATOR)
    if not reason.strip():
        raise InvalidInput("reason", "Say why these flags can go: it stands in the audit of each.")
    archived, refused = 0, []
    for flag in plan(ids).flags:
        try:
            services.archive(actor, flag.pk, reason)
        except ConsoleError as error:
            refused.append(f"{flag.name}: {error.message}")
        else:
            archived += 1
    return Outcome(archived, refused)


def _stays(flag: Flag, children: list[str]) -> str:
    if flag.archived_at:
        return "is archived already"
    if flag.protected:
        return "is protected: archive it on its own page"
    return f"is a prerequisite of {', '.join(children)}" if children else ""


def _lately(asked: dict[str, datetime], now: datetime) -> list[str]:
    return sorted(name for name, moment in asked.items() if moment >= now - _LATELY)
