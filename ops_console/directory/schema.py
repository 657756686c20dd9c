"""The directory's table in the live database: column types, size and indexes, read at most every half minute."""

import json
import time
from dataclasses import dataclass, field

from ops_console import foreign
from ops_console.directory.mapping import Mapping

_KEPT_SECONDS = 30.0
# Below this, reading the whole table is as quick as any index.
_SMALL = 20_000
_TABLE = """
-- A table that was never analyzed counts -1 rows: its size says at most how many it has.
SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint ELSE pg_relation_size(c.oid) / 40 END,
       (SELECT jsonb_object_agg(a.attname, format_type(a.atttypid, NULL)) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)::text,
       ARRAY(SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
             WHERE x.indrelid = c.oid AND x.indisvalid),
       ARRAY(SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
             WHERE x.indrelid = c.oid AND NOT x.indisvalid),
       (SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm')
FROM pg_class c WHERE c.oid = to_regclass(%s)
"""


@dataclass(frozen=True)
class LiveDirectory:
    """`types` by column; without types there is no such table. `trigrams`: the schema of pg_trgm, "" without it."""

    rows: int = 0
    types: dict[str, str] = field(default_factory=dict)
    indexes: frozenset[str] = frozenset()
    invalid_indexes: frozenset[str] = frozenset()
    trigrams: str = ""

    @property
    def small(self) -> bool:
        """Whether a search may read every row."""
        return self.rows < _SMALL


_kept: dict[str, tuple[float, LiveDirectory]] = {}


def live_directory(mapping: Mapping) -> LiveDirectory:
    """The table as it was at most half a minute ago."""
    known = _kept.get(mapping.table)
    if known is None or time.monotonic() - known[0] > _KEPT_SECONDS:
        known = time.monotonic(), _read(mapping.table)
        _kept[mapping.table] = known
    return known[1]


def forget() -> None:
    """Read the table again at the next call."""
    _kept.clear()


def _read(table: str) -> LiveDirectory:
    with foreign.cursor() as cursor:
        cursor.execute(_TABLE, [table])
        found = cursor.fetchone()
    if found is None:
        return LiveDirectory()
    rows, types, valid, invalid, trigrams = found
    return LiveDirectory(rows, json.loads(types or "{}"), frozenset(valid), frozenset(invalid), trigrams or "")
