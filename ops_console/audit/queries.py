"""Reads of the audit. Each filter keeps the order by id, newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from ops_console.audit.models import Entry
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

ORDER = Keyset(Key("id", "int", descending=True), size=50)
LOOKED_AT = 200
_EXACT = ("target_type", "target_id", "via", "source")
_TEXT = ("target_label", "target_id", "reason", "actor", "action", "request_id")


def entries(wanted: dict[str, Any]) -> QuerySet[Entry]:
    """What matches a cleaned FilterForm: who and action by their beginning, text anywhere in what people read."""
    found = Entry.objects.filter(**{name: wanted[name] for name in _EXACT if wanted.get(name)})
    if wanted.get("actor"):
        found = found.filter(actor__istartswith=wanted["actor"])
    if wanted.get("action"):
        found = found.filter(action__istartswith=wanted["action"])
    if wanted.get("since"):
        found = found.filter(at__gte=wanted["since"])
    if wanted.get("until"):
        found = found.filter(at__lte=wanted["until"])
    return found.filter(_text(wanted["q"])) if wanted.get("q") else found


def entry(entry_id: int) -> Entry:
    """One entry. Raises NotFound."""
    found = Entry.objects.filter(pk=entry_id).first()
    if found is None:
        raise NotFound("There is no such audit entry; entries past their retention are gone.")
    return found


def latest(count: int) -> list[Entry]:
    """The newest entries, for the overview."""
    return list(Entry.objects.order_by("-id")[:count])


def last_entries(target_type: str, target_id: str, count: int) -> list[Entry]:
    """The newest entries about one thing."""
    return list(Entry.objects.filter(target_type=target_type, target_id=target_id).order_by("-id")[:count])


def last_changes(
    target_type: str, target_ids: Sequence[str], fields: Sequence[str], since: datetime | None = None
) -> dict[str, Entry]:
    """By id, the newest entry of each of these things that changed one of `fields`; a creation counts as a change.

    Looks at the newest LOOKED_AT entries of each thing, and at none before `since`: a thing that is edited every minute
    has many.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT changed.id
            FROM unnest(%(ids)s::text[]) AS target(id)
            CROSS JOIN LATERAL (
                SELECT newest.id FROM (
                    SELECT e.id, e.before, e.after FROM ops.audit_entry e
                    WHERE e.target_type = %(type)s AND e.target_id = target.id
                        AND (%(since)s::timestamptz IS NULL OR e.id >= (
                            SELECT s.id FROM ops.audit_entry s WHERE s.at >= %(since)s ORDER BY s.at LIMIT 1
                        ))
                    ORDER BY e.id DESC LIMIT %(most)s
                ) AS newest
                WHERE newest.after ?| %(fields)s::text[] AND EXISTS (
                    SELECT FROM unnest(%(fields)s::text[]) AS field
                    WHERE newest.before IS NULL OR newest.before -> field IS DISTINCT FROM newest.after -> field
                )
                ORDER BY newest.id DESC LIMIT 1
            ) AS changed
            """,
            {
                "type": target_type,
                "ids": list(target_ids),
                "fields": list(fields),
                "since": since,
                "most": LOOKED_AT,
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    return {entry.target_id: entry for entry in Entry.objects.filter(pk__in=ids)}


def _text(text: str) -> Q:
    condition = Q()
    for field in _TEXT:
        condition |= Q(**{f"{field}__icontains": text})
    return condition
