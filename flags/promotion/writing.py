"""Flags as a document that another console's import reads: what they say, and nothing that only this one knows."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.utils import timezone

from flags.models import Flag, Segment
from flags.prerequisites import parents
from flags.services import EDITABLE
from ops_console.audit.services import snapshot
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

FORMAT = "ops-console-flags"
VERSION = 1
ROWS_A_CHUNK = 100
BY_NAME = Keyset(Key("name"), Key("id", "int"), size=500)


def export(names: Iterable[str] = ()) -> dict[str, Any]:
    """The same document in one piece, for a few flags. Raises as `written`."""
    document: dict[str, Any] = json.loads("".join(written(names)))
    return document


def written(names: Iterable[str] = ()) -> Iterator[str]:
    """The named flags in force with all that they depend on and the segments they use; without names, all of them.

    The text of a JSON document, a row a line, read in batches while it is written. Raises NotFound for a name that is
    none, before anything is written.
    """
    wanted = _named(list(names))
    return _text(wanted)


def _text(wanted: list[Flag] | None) -> Iterator[str]:
    head = {
        "format": FORMAT,
        "version": VERSION,
        "environment": settings.ENVIRONMENT,
        "exported_at": timezone.now(),
    }
    used: set[str] = set()

    def flags() -> Iterator[dict[str, Any]]:
        for flag in _in_force() if wanted is None else wanted:
            used.update(name for rule in flag.rules for name in rule.get("segments") or [])
            yield portable(flag)

    yield _json(head)[:-1] + ', "flags": ['
    yield from _lines(flags())
    # After the flags: every segment that one of them names is there by then.
    segments = Segment.objects.order_by("name")
    if wanted is not None:
        segments = segments.filter(name__in=used)
    yield '], "segments": ['
    yield from _lines(snapshot(segment, ("name", "note", "constraints")) for segment in BY_NAME.rows(segments))
    yield "]}\n"


def portable(flag: Flag) -> dict[str, Any]:
    """What of a flag means the same elsewhere: listed users and groups go by name."""
    listed = {
        "groups": sorted(group.name for group in flag.groups.all()),
        "users": sorted(user.get_username() for user in flag.users.all()),
    }
    # Times whole: the encoder of JSON would cut them to milliseconds, and every import would seem to change them.
    said = snapshot(flag, ("name", "everyone", *EDITABLE))
    said |= {field: value.isoformat() for field, value in said.items() if isinstance(value, datetime)}
    return said | listed


def _named(names: list[str]) -> list[Flag] | None:
    """The named flags and, generation by generation, those that they depend on; None where all are wanted."""
    if not names:
        return None
    found: dict[str, Flag] = {}
    asked = set(names)
    while asked:
        newer = {flag.name: flag for flag in _flags().filter(name__in=asked)}
        if not found and (missing := asked - newer.keys()):
            raise NotFound(f"There is no flag named {min(missing)!r} in force.")
        found |= newer
        asked = {parent for flag in newer.values() for parent in parents(flag.prerequisites)} - found.keys()
        if not newer:
            break
    return [found[name] for name in sorted(found)]


def _in_force() -> Iterator[Flag]:
    return BY_NAME.rows(_flags())


def _flags() -> QuerySet[Flag]:
    return Flag.objects.filter(archived_at=None).prefetch_related("users", "groups")


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Rows as JSON, some to a chunk."""
    chunk: list[str] = []
    between = "\n"
    for row in rows:
        chunk.append(between + _json(row))
        between = ",\n"
        if len(chunk) >= ROWS_A_CHUNK:
            yield "".join(chunk)
            chunk = []
    yield "".join(chunk) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder)
