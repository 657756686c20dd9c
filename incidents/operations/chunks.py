"""What happens to the operations of one slice of a chunk: locked, compared with what the operator saw, then set.

Nothing is waited for: locked rows are left and said so. The worker that finished first has won.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from psycopg import sql

from incidents.operations.judging import judged, slice_of
from incidents.operations.models import Action, Chunk, Outcome, Verb
from incidents.operations.queries import parts_of
from incidents.operations.sources import CannotRetry, Source
from incidents.operations.sources.sql import SourceSql
from incidents.operations.verbs import RULES
from incidents.operations.writing import command, failed_meta, together, writes

COUNTED = ("changed", *(kind.value for kind in (Outcome.Kind.FINISHED_MEANWHILE, Outcome.Kind.LOCKED)), "ineligible")
Row = Mapping[str, Any]


def write_slice(action: Action, chunk: Chunk, count: int) -> dict[str, int]:
    """Release the chunk's next `count` operations within the caller's transaction; how many came to what."""
    parts = parts_of(action.kind)
    write = _hand_over if RULES[Verb(action.verb)].hands_over else _set
    counts = write(parts, action, chunk, count)
    return {name: counts.get(name, 0) for name in COUNTED}


def _set(parts: SourceSql, action: Action, chunk: Chunk, count: int) -> dict[str, int]:
    """All in one statement: nothing of the rows is needed here."""
    meta, meta_params = failed_meta(parts, action)
    frees, nothing = action.frees or action.verb == Verb.FREE, sql.SQL("NULL::text")
    columns = sql.SQL("{} AS new_meta, {} AS payload, {} AS owner_id, {} AS title").format(
        meta,
        parts.resources() if frees else nothing,
        parts.text(parts.source.owner_column) if action.notifies else nothing,
        parts.text(parts.source.title_column) if action.notifies else nothing,
    )
    expressions, params = judged(parts, action, columns)
    statements = [(expressions, slice_of(action, chunk, count) | params | meta_params), *writes(parts, action)]
    if frees:
        # After a failure they stay for a while: until then it can be taken back.
        kept_seconds = 0 if action.verb == Verb.FREE else settings.RESOURCES_KEPT_SECONDS
        statements.append(command(parts, action, "free", timedelta(seconds=kept_seconds)))
    return _counts(together(statements))


def _hand_over(parts: SourceSql, action: Action, chunk: Chunk, count: int) -> dict[str, int]:
    """A retry's payload is the source's to make: the rows come here, and go back with it or with what they lack."""
    columns = sql.SQL("{}::text AS operation_id, {} AS owner_id, {}").format(
        parts.id, parts.text(parts.source.owner_column), parts.details()
    )
    expressions, params = judged(parts, action, columns)
    part = slice_of(action, chunk, count)
    names = ["id", "operation_id", "status", "version", "why", "owner_id", *parts.detail_names]
    wanted = sql.SQL(", ").join(map(sql.Identifier, names))
    rows = _rows(sql.SQL("WITH {} SELECT {} FROM judged").format(expressions, wanted), part | params)
    given = json.dumps([_given(row, parts.source) for row in rows])
    statement = sql.SQL(_GIVEN).format(id_type=parts.id_type), {**part, "given": given}
    return _counts(together([statement, *writes(parts, action), command(parts, action, "retry", timedelta(0))]))


# One text of JSON: as arrays, each value would be escaped by itself.
_GIVEN = """judged AS MATERIALIZED (
    SELECT id, id::{id_type} AS row_id, status, version AS version_now, why, payload
    FROM json_to_recordset(%(given)s::json) AS given
        (id text, status text, version integer, why text[], payload jsonb)
)"""


def _given(row: dict[str, Any], source: Source) -> dict[str, Any]:
    why, payload = row["why"], None
    if why is None:
        try:
            payload = source.storable_payload(row)
        except CannotRetry as refusal:
            why = [Outcome.Kind.INELIGIBLE.value, refusal.message]
    return {name: row[name] for name in ("id", "status", "version")} | {"why": why, "payload": payload}


def _counts(statement: tuple[sql.Composable, dict[str, Any]]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return dict(cursor.fetchall())


def _rows(statement: sql.Composable, params: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
