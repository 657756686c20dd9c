"""Reads of segments: which there are, and which flags use one."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q, QuerySet

from flags.models import Flag, Segment
from ops_console.errors import NotFound

_USED = """
SELECT used.name, count(DISTINCT f.id)
FROM ops.flags_flag f, jsonb_path_query(f.rules, 'lax $[*].segments[*]') AS named, unnest(%s::text[]) AS used (name)
WHERE f.archived_at IS NULL AND named = to_jsonb(used.name) GROUP BY used.name
"""


def segments(text: str = "") -> QuerySet[Segment]:
    """Segments whose name or note holds the text."""
    text = text.strip().replace("\0", "")
    return Segment.objects.filter(Q(name__icontains=text) | Q(note__icontains=text)) if text else Segment.objects.all()


def segment(segment_id: int) -> Segment:
    """One segment. Raises NotFound."""
    found = Segment.objects.filter(pk=segment_id).first()
    if found is None:
        raise NotFound("There is no such segment. It may have been removed; the audit knows.")
    return found


def flags_using(name: str, archived: bool = False) -> QuerySet[Flag]:
    """Flags with a rule that names the segment, by name; those in force, or with `archived` all."""
    found = Flag.objects.filter(rules__contains=[{"segments": [name]}]).order_by("name")
    return found if archived else found.filter(archived_at=None)


def used_by(names: Iterable[str]) -> dict[str, int]:
    """How many flags in force use each of these segments; one query."""
    wanted = list(names)
    with connection.cursor() as cursor:
        cursor.execute(_USED, [wanted])
        return dict.fromkeys(wanted, 0) | dict(cursor.fetchall())
