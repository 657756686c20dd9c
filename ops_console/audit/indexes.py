"""The audit's index of texts: missing where pg_trgm was installed after the migrations had run."""

from django.db import connection
from psycopg import sql

NAME = "audit_entry_texts"
_FOUND = """
SELECT (SELECT n.nspname::text FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
        WHERE x.extname = 'pg_trgm'),
       (SELECT x.indisvalid FROM pg_index x WHERE x.indexrelid = to_regclass(%s))
"""
_CREATE = """
CREATE INDEX CONCURRENTLY {name} ON ops.audit_entry USING gin (upper(target_label) {ops}, upper(reason) {ops});
"""


def statements() -> list[str]:
    """What is to be run, by the owner of schema ops: nothing where it is there, or where pg_trgm is not installed."""
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [f"ops.{NAME}"])
        trigrams, valid = cursor.fetchone()
    if not trigrams or valid:
        return []
    drop = ["DROP INDEX CONCURRENTLY ops.audit_entry_texts;"] if valid is False else []
    ops = sql.Identifier(trigrams, "gin_trgm_ops")
    return [*drop, sql.SQL(_CREATE.strip()).format(name=sql.Identifier(NAME), ops=ops).as_string()]
