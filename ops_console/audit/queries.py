"""Reads of the audit. Every list is in the order of time, newest first, and each filter has an index in that order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Upper
from django.db.models.lookups import In

from ops_console.audit.models import Entry
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

ORDER = Keyset(Key("at", "time", descending=True), Key("id", "int", descending=True), size=50)
# How far back a filter without an index of its own looks, unless a period was chosen.
RECENT = timedelta(days=7)
LOOKED_AT = 200
_EXACT = ("target_type", "target_id", "via", "source")
# The most distinct names of one column that are read, and suggested.
_MOST_NAMES, _MOST_SUGGESTED = 1_000, 50
Named = Literal["actor", "action"]
# Jumps from one name to the next in the index, however many entries each has. A name is as its newest entry writes it.
_NAMES = """
WITH RECURSIVE named AS (
    (SELECT upper({column}) AS key, {column} AS name FROM ops.audit_entry
     WHERE %(anywhere)s OR upper({column}) >= upper(%(text)s)
     ORDER BY upper({column}), at DESC, id DESC LIMIT 1)
    UNION ALL
    SELECT following.key, following.name FROM named CROSS JOIN LATERAL (
        SELECT upper({column}) AS key, {column} AS name FROM ops.audit_entry
        WHERE upper({column}) > named.key ORDER BY upper({column}), at DESC, id DESC LIMIT 1
    ) AS following
)
SELECT key, name FROM (SELECT key, name FROM named LIMIT %(most)s) AS bounded
WHERE CASE WHEN %(anywhere)s THEN strpos(key, upper(%(text)s)) > 0 ELSE starts_with(key, upper(%(text)s)) END
"""


@dataclass(frozen=True)
class Name:
    """A distinct actor or action; `key` is its upper case, as the index has it."""

    key: str
    name: str


def entries(wanted: dict[str, Any]) -> QuerySet[Entry]:
    """What matches a cleaned FilterForm: who and action by their beginning; text as `_text` says."""
    found = Entry.objects.filter(**{name: wanted[name] for name in _EXACT if wanted.get(name)})
    if wanted.get("actor"):
        found = found.filter(_named("actor", names("actor", wanted["actor"])))
    if wanted.get("action"):
        found = found.filter(_named("action", names("action", wanted["action"])))
    if wanted.get("since"):
        found = found.filter(at__gte=wanted["since"])
    if wanted.get("until"):
        found = found.filter(at__lte=wanted["until"])
    return found.filter(_text(wanted["q"])) if wanted.get("q") else found


def recent_since(wanted: dict[str, Any], now: datetime) -> datetime | None:
    """The beginning of the default period, where a filter reads entry by entry and no period was chosen; else None."""
    thing = wanted.get("target_type") and not wanted.get("target_id")
    read_one_by_one = wanted.get("q") or wanted.get("via") or thing or (wanted.get("actor") and wanted.get("action"))
    if not read_one_by_one or wanted.get("since") or wanted.get("period"):
        return None
    until: datetime = wanted.get("until") or now
    return until - RECENT


def names(column: Named, text: str = "", anywhere: bool = False, most: int = _MOST_NAMES) -> list[Name]:
    """The distinct actors or actions that begin with a text, or hold it; at most `most` are looked at."""
    with connection.cursor() as cursor:
        values: dict[str, str | int] = {"text": text, "anywhere": anywhere, "most": most}
        cursor.execute(_NAMES.format(column=column), values)
        return [Name(key, name) for key, name in cursor.fetchall()]


def suggested(column: Named) -> list[str]:
    """What a filter offers while it is typed."""
    return [each.name for each in names(column, most=_MOST_SUGGESTED)]


def entry(entry_id: int) -> Entry:
    """One entry. Raises NotFound."""
    found = Entry.objects.filter(pk=entry_id).first()
    if found is None:
        raise NotFound("There is no such audit entry; entries past their retention are gone.")
    return found


def latest(count: int) -> list[Entry]:
    """The newest entries, for the overview."""
    return list(Entry.objects.order_by("-at", "-id")[:count])


def last_entries(target_type: str, target_id: str, count: int) -> list[Entry]:
    """The newest entries about one thing."""
    return list(Entry.objects.filter(target_type=target_type, target_id=target_id).order_by("-at", "-id")[:count])


def _named(column: Named, found: list[Name]) -> Q:
    keys = [each.key for each in found]
    return Q(In(Upper(column), keys)) if keys else Q(pk__in=[])


def last_changes(
    target_type: str,
    target_ids: Sequence[str],
    fields: Sequence[str],
    since: datetime | None = None,
    edits: int | None = None,
) -> dict[str, Entry]:
    """By id, the newest entry of each of these things that changed one of `fields`; a creation counts as a change.

    Looks at the newest LOOKED_AT entries of each thing, and at none before `since`: a thing that is edited every minute
    has many. With `edits`, only the newest so many of the entries found are read, and none that created its thing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT changed.id
            FROM unnest(%(ids)s::text[]) AS target(id)
            CROSS JOIN LATERAL (
                SELECT newest.id, newest.before FROM (
                    SELECT e.id, e.at, e.before, e.after FROM ops.audit_entry e
                    WHERE e.target_type = %(type)s AND e.target_id = target.id
                        AND e.at >= coalesce(%(since)s::timestamptz, '-infinity')
                    ORDER BY e.at DESC, e.id DESC LIMIT %(most)s
                ) AS newest
                WHERE newest.after ?| %(fields)s::text[] AND EXISTS (
                    SELECT FROM unnest(%(fields)s::text[]) AS field
                    WHERE newest.before IS NULL OR newest.before -> field IS DISTINCT FROM newest.after -> field
                )
                ORDER BY newest.at DESC, newest.id DESC LIMIT 1
            ) AS changed
            WHERE %(edits)s::int IS NULL OR changed.before IS NOT NULL
            ORDER BY changed.id DESC LIMIT %(edits)s::int
            """,
            {
                "type": target_type,
                "ids": list(target_ids),
                "fields": list(fields),
                "since": since,
                "most": LOOKED_AT,
                "edits": edits,
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    return {entry.target_id: entry for entry in Entry.objects.filter(pk__in=ids)}


def _text(text: str) -> Q:
    """Text anywhere in label, reason, actor and action; ids as a whole: parts of them would need an index too large."""
    words = Q(target_label__icontains=text) | Q(reason__icontains=text) | Q(request_id=text) | Q(target_id=text)
    return words | _named("actor", names("actor", text, True)) | _named("action", names("action", text, True))
