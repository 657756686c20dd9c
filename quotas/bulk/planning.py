"""What a table of overrides would do, row by row, before anything is done."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from ops_console import directory
from ops_console.directory import Person
from ops_console.errors import ConsoleError, InvalidInput
from quotas import queries, words
from quotas.bulk.table import NEVER, Asked
from quotas.limits import checked_limit, plain_number, read_limit
from quotas.queries import Limit
from quotas.services import Wanted, check_wanted

DEFAULT_DAYS = 7
REMOVE = "remove"
_RELATIVE = re.compile(r"([+-])\s*(\d{1,9}(?:\.\d{1,4})?)\s*(%?)")
# Earlier exports hold the second.
_ENDLESS = {NEVER, "for good"}


class Outcome(StrEnum):
    """What a row would do; a refused one is left out, and says why."""

    NEW = "new"
    CHANGED = "changed"
    REMOVED = "removed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True)
class Planned:
    """One row with what would come of it. `wanted` None: the override is removed, or nothing is done."""

    asked: Asked
    outcome: Outcome
    message: str = ""
    person: Person | None = None
    before: str = ""
    after: str = ""
    wanted: Wanted | None = None
    version: int = 0


def plan(rows: Iterable[Asked], reason: str = "") -> list[Planned]:
    """Every row against what is in force now; `reason` is for rows without one. Changes nothing."""
    rows = list(rows)
    people = directory.named(row.user for row in rows)
    limits = _limits(list({person.id: person for person in people.values()}.values()))
    seen: set[tuple[str, str]] = set()
    return [_planned(row, people.get(row.user), limits, seen, reason) for row in rows]


def fingerprint(rows: Iterable[Planned]) -> str:
    """What a person saw of a plan, in one short text: another one means that something changed since."""
    seen = [(row.asked.user, row.asked.resource, row.outcome, row.before, row.after, row.version) for row in rows]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _limits(people: Sequence[Person]) -> dict[tuple[str, str], Limit]:
    return {
        (found.person.id, limit.resource.name): limit for found in queries.limited(people) for limit in found.limits
    }


def _planned(
    asked: Asked,
    person: Person | None,
    limits: dict[tuple[str, str], Limit],
    seen: set[tuple[str, str]],
    reason: str,
) -> Planned:
    if person is None:
        return Planned(asked, Outcome.REFUSED, f"user: nobody in the directory has the id or mail {asked.user[:80]!r}.")
    key = (person.id, asked.resource)
    limit = limits.get(key)
    if limit is None:
        return Planned(asked, Outcome.REFUSED, f"resource: there is none named {asked.resource[:63]!r}.", person)
    if key in seen:
        return Planned(asked, Outcome.REFUSED, "An earlier row is about the same user and resource.", person)
    seen.add(key)
    try:
        return _compared(asked, person, limit, reason)
    except ConsoleError as error:
        return Planned(asked, Outcome.REFUSED, error.message, person, words.amount(limit.usage.unit, limit.usage.limit))


def _compared(asked: Asked, person: Person, limit: Limit, reason: str) -> Planned:
    unit, override = limit.usage.unit, limit.override
    before, version = words.amount(unit, limit.usage.limit), override.version if override else 0
    if asked.limit.lower() == REMOVE:
        outcome = Outcome.REMOVED if override else Outcome.SAME
        return Planned(asked, outcome, "", person, before, "the tier's limit", version=version)
    wanted = Wanted(_limit(asked, limit), _ends(asked.expires_at), asked.reason or reason, version)
    check_wanted(limit.resource, wanted)
    after = words.amount(unit, wanted.limit)
    if override and (override.limit, override.expires_at) == (wanted.limit, wanted.expires_at):
        return Planned(asked, Outcome.SAME, "", person, before, after, version=version)
    return Planned(asked, Outcome.CHANGED if override else Outcome.NEW, "", person, before, after, wanted, version)


def _limit(asked: Asked, limit: Limit) -> int | None:
    """A limit as it can be typed anywhere, or one relative to what is in force: `+50%`, `+20`, `-10`."""
    text = plain_number(asked.limit, decimal_comma=asked.separator != ",")
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        if not text:
            raise InvalidInput("limit", "limit: is empty. Give a number, +50%, unlimited, or remove.")
        return read_limit(limit.resource, text)
    now = limit.usage.limit
    if now is None:
        raise InvalidInput("limit", f"limit: there is none in force now to which {text} could apply.")
    sign, number, percent = relative.groups()
    change = now * Fraction(number) / 100 if percent else Fraction(number)
    return checked_limit(limit.resource, max(0, ceil(now + change if sign == "+" else now - change)))


def _ends(text: str) -> datetime | None:
    if not text:
        return timezone.now() + timedelta(days=DEFAULT_DAYS)
    if text.lower() in _ENDLESS:
        return None
    try:
        day = parse_date(text)
        moment = None if day else parse_datetime(text)
    except ValueError:
        day = moment = None
    if day:  # until Friday means that Friday is within
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    if moment is None:
        raise InvalidInput("expires_at", f"expires_at: {text[:40]!r} is no time such as 2026-12-24T18:00:00Z.")
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
