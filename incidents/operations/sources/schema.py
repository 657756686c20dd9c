"""What a foreign table really looks like in this database: read once a while, believed over any code."""

import time
from dataclasses import dataclass, field

from django.db import connection

from ops_console import foreign

_BELIEVED_SECONDS = 30.0
_KINDS_SECONDS = 5.0
_TRACKED = "SELECT kind, dead_after_seconds, providers FROM ops.operations_trackedkind ORDER BY kind"
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL), a.attnotnull,
       has_column_privilege(c.oid, a.attnum, 'SELECT'), has_column_privilege(c.oid, a.attnum, 'UPDATE'),
       has_column_privilege(c.oid, a.attnum, 'INSERT'),
       CASE WHEN t.typtype = 'e'
            THEN ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = %s AND c.relname = %s
"""
_INDEXES = """
SELECT i.relname::text, x.indisvalid FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""
# The schema of the extension that indexes parts of texts, where the database has it.
_TRIGRAMS = """
SELECT n.nspname::text FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'pg_trgm'
"""


@dataclass(frozen=True)
class Column:
    """A live column; `labels` are an enum's, None for other types."""

    type: str
    not_null: bool
    readable: bool
    writable: bool
    insertable: bool
    labels: tuple[str, ...] | None


@dataclass(frozen=True)
class LiveTable:
    """A table's columns by name and its indexes. Without columns there is no such table.

    `trigrams` is the schema of the extension pg_trgm, "" where the database has not got it.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    indexes: frozenset[str] = frozenset()
    # Those whose making was broken off: they serve nobody, and hold their name.
    invalid_indexes: frozenset[str] = frozenset()
    trigrams: str = ""

    def readable(self, column: str) -> bool:
        return column in self.columns and self.columns[column].readable

    def writable(self, column: str) -> bool:
        return column in self.columns and self.columns[column].writable

    def has_label(self, column: str, label: str) -> bool:
        """Whether the column can hold the label; one that is no enum can hold any."""
        live = self.columns.get(column)
        return live is not None and (live.labels is None or label in live.labels)


@dataclass(frozen=True)
class KnownKind:
    """A kind that backends track, with its limit and the providers it said."""

    kind: str
    dead_after_seconds: int
    providers: tuple[str, ...]


_believed: dict[tuple[str, str], tuple[float, LiveTable]] = {}
_kinds: list[tuple[float, dict[str, KnownKind]]] = []


def live_table(schema: str, table: str) -> LiveTable:
    """The table as it stands, at most half a minute old."""
    known = _believed.get((schema, table))
    if known is None or time.monotonic() - known[0] > _BELIEVED_SECONDS:
        known = time.monotonic(), _read(schema, table)
        _believed[schema, table] = known
    return known[1]


def tracked_kinds(anew: bool = False) -> dict[str, KnownKind]:
    """What backends track, by kind, as of a few seconds ago at most; `anew` asks now."""
    if anew or not _kinds or time.monotonic() - _kinds[0][0] > _KINDS_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(_TRACKED)
            found = {kind: KnownKind(kind, seconds, tuple(names)) for kind, seconds, names in cursor.fetchall()}
        _kinds[:] = [(time.monotonic(), found)]
    return _kinds[0][1]


def forget() -> None:
    """Read every table anew at the next question."""
    _believed.clear()
    _kinds.clear()


def _read(schema: str, table: str) -> LiveTable:
    # As the role that uses the table: what it may do is what can be done.
    with connection.cursor() if schema == "ops" else foreign.cursor() as cursor:
        cursor.execute(_COLUMNS, [schema, table])
        columns = {
            name: Column(kind, not_null, read, update, insert, tuple(labels) if labels is not None else None)
            for name, kind, not_null, read, update, insert, labels in cursor.fetchall()
        }
        cursor.execute(_INDEXES, [schema, table])
        indexes = {is_valid: frozenset[str]() for is_valid in (True, False)}
        for name, is_valid in cursor.fetchall():
            indexes[is_valid] |= {name}
        cursor.execute(_TRIGRAMS)
        (trigrams,) = cursor.fetchone() or ("",)
        return LiveTable(columns, indexes[True], indexes[False], trigrams)
