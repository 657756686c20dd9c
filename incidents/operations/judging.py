"""The verdict on every operation of a slice of a chunk, as SQL: compared with what the operator saw, and why not.

The chunk's own arrays are read where they are: two thousand ids do not travel. Rows that somebody else holds are
skipped. A mark may be older than the lock on its row; `writing.py` compares its version once more as it sets it.
"""

from typing import Any

from django.conf import settings
from psycopg import sql

from incidents.operations.models import Action, Chunk, Verb
from incidents.operations.sources.sql import SourceSql
from incidents.operations.verbs import RULES, allowed_statuses, needed_columns

Statement = tuple[sql.Composable, dict[str, Any]]

_HELD = """held AS MATERIALIZED (
    SELECT {id} AS row_id, {id}::text AS operation_id, {status} AS status_now, {age} AS age_now, {sign} AS sign_at,
        {lacking} AS lacking, {columns}
    FROM {table} AS e WHERE {id} = ANY((
        SELECT c.operation_ids[%(first)s:%(last)s] FROM ops.operations_chunk AS c WHERE c.id = %(chunk)s
    )::{id_type}[]) FOR NO KEY UPDATE OF e SKIP LOCKED
)"""

_JUDGED = """judged AS MATERIALIZED (
    SELECT s.id, s.status, s.version, s.status_before, h.*, CASE
        WHEN h.row_id IS NULL THEN CASE
            WHEN EXISTS (SELECT FROM {table} AS e WHERE {id} = s.id::{id_type})
            THEN ARRAY['locked', 'Another transaction holds the row.']
            ELSE ARRAY['finished_meanwhile', 'The row is gone.'] END
        WHEN h.status_now <> s.status THEN
            ARRAY['finished_meanwhile', format('Its status is %%s by now; it was %%s.', h.status_now, s.status)]
        WHEN h.age_now <> s.age_at THEN ARRAY['finished_meanwhile', 'Its backend has taken it up again since.']
        WHEN coalesce(m.version, 0) <> s.version THEN
            ARRAY['finished_meanwhile', 'Another action was quicker with it.']
        {conditions}
    END AS why
    FROM ops.operations_chunk AS c
    CROSS JOIN LATERAL ROWS FROM (
        unnest(c.operation_ids[%(first)s:%(last)s]), unnest(c.seen_statuses[%(first)s:%(last)s]),
        unnest(c.seen_ages[%(first)s:%(last)s]), unnest(c.seen_versions[%(first)s:%(last)s]),
        unnest(c.statuses_before[%(first)s:%(last)s])
    ) AS s (id, status, age_at, version, status_before)
    LEFT JOIN held AS h ON h.operation_id = s.id
    LEFT JOIN ops.operations_operationmark AS m ON m.kind = %(kind)s AND m.operation_id = s.id
    WHERE c.id = %(chunk)s
)"""


def judged(parts: SourceSql, action: Action, chunk: Chunk, count: int, columns: sql.Composable) -> Statement:
    """The expressions `held` (the rows, locked until the transaction ends) and `judged`, `why` NULL for what may
    change, with the source's `columns`; and their parameters.
    """
    conditions, params = _conditions(parts, action)
    named = {
        "id": parts.id,
        "id_type": parts.id_type,
        "table": parts.table,
        "status": sql.SQL("{}::text").format(parts.column(parts.source.status_column)),
        "age": parts.age,
        "sign": parts.own_heartbeat,
        "lacking": _lacking(parts, action),
        "columns": columns,
        "conditions": conditions,
    }
    expressions = sql.SQL(f"{_HELD}, {_JUDGED}").format(**named)
    slice_of = {"chunk": chunk.pk, "first": chunk.released + 1, "last": chunk.released + count}
    return expressions, {"kind": parts.source.kind, **slice_of, **params}


def _lacking(parts: SourceSql, action: Action) -> sql.Composable:
    """The names of columns that must hold something and do not."""
    needed = needed_columns(parts.source, action.verb)
    named = [sql.SQL("CASE WHEN {} IS NULL THEN {} END").format(parts.text(c), sql.Literal(c)) for c in needed]
    return sql.SQL("array_remove(ARRAY[{}]::text[], NULL)").format(sql.SQL(", ").join(named))


def _conditions(parts: SourceSql, action: Action) -> Statement:
    """What the verb asks for, as branches of the CASE."""
    if action.verb == Verb.TAKE_BACK:
        return sql.SQL(_CARRIED_OUT), {}
    allowed = allowed_statuses(parts.source, parts.live, action.verb)
    bulk_retry = action.verb == Verb.RETRY and action.total > 1
    # Who acts on what is slow knows that it is alive.
    knows = action.scope.get("state") == "slow"
    branches = [*([] if knows else [_ALIVE]), _STATUS, _LACKING, *([_QUARANTINED] if bulk_retry else [])]
    word = parts.word(sql.SQL("h.status_now"))
    return sql.SQL("\n        ".join(branches)).format(word=word), {
        "created": action.created_at,
        "allowed": allowed,
        "allowed_words": ", ".join(allowed),
        "done_word": RULES[Verb(action.verb)].done,
        "most_attempts": settings.OPERATION_MOST_ATTEMPTS,
    }


_ALIVE = """WHEN GREATEST(m.heartbeat_at, h.sign_at) > %(created)s THEN
            ARRAY['ineligible', 'It has sent a heartbeat since: it is alive.']"""
_STATUS = """WHEN {word} <> ALL (%(allowed)s) THEN ARRAY['ineligible',
            format('Status %%s: only %%s can be %%s.', h.status_now, %(allowed_words)s::text, %(done_word)s::text)]"""
_LACKING = """WHEN cardinality(h.lacking) > 0 THEN
            ARRAY['ineligible', format('%%s is missing.', h.lacking[1])]"""
_QUARANTINED = """WHEN m.attempts >= %(most_attempts)s THEN ARRAY['ineligible',
            format('Quarantined after %%s retries: look at it, then retry it by itself.', m.attempts)]"""
_CARRIED_OUT = """WHEN m.handled_version >= m.version THEN
            ARRAY['ineligible', 'Its backend has carried it out already.']"""
