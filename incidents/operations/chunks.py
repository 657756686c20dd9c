"""What happens to the operations of one slice of a chunk: locked, compared with what the operator saw, then set.

Nothing is waited for: locked rows are left and said so. The worker that finished first has won.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql

from incidents.operations.judging import Slice, Statement, judged, slice_of
from incidents.operations.models import Action, Outcome, Verb
from incidents.operations.notifications import tell
from incidents.operations.sources import CannotRetry, Source
from incidents.operations.sources.sql import SourceSql
from incidents.operations.verbs import RULES
from incidents.operations.writing import failed_meta, written

Row = Mapping[str, Any]


def write_slice(parts: SourceSql, action: Action, slice_: Slice) -> dict[str, int]:
    """Release the slice's operations within the caller's transaction; how many came to what."""
    return (_hand_over if RULES[Verb(action.verb)].hands_over else _set)(parts, action, slice_)


def _set(parts: SourceSql, action: Action, slice_: Slice) -> dict[str, int]:
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
    statement = (expressions, slice_of(action, slice_) | params | meta_params)
    free_after = timedelta(seconds=settings.RESOURCES_KEPT_SECONDS)
    return _counted(parts, written(parts, action, statement, free_after))


def _hand_over(parts: SourceSql, action: Action, slice_: Slice) -> dict[str, int]:
    """A retry's payload is the source's to make: the rows come here, and go back with it or with what they lack."""
    columns = sql.SQL("{}::text AS operation_id, {} AS owner_id, {}").format(
        parts.id, parts.text(parts.source.owner_column), parts.details()
    )
    expressions, params = judged(parts, action, columns)
    part = slice_of(action, slice_)
    names = ["place", "id", "operation_id", "status", "why", "owner_id", *parts.detail_names]
    wanted = sql.SQL(", ").join(map(sql.Identifier, names))
    rows = _rows(parts, (sql.SQL("WITH {} SELECT {} FROM judged").format(expressions, wanted), part | params))
    given = json.dumps([_given(row, parts.source) for row in rows])
    statement = sql.SQL(_GIVEN).format(id_type=parts.id_type), {**part, "given": given}
    return _counted(parts, written(parts, action, statement, timedelta(0)))


# One text of JSON: as arrays, each value would be escaped by itself.
_GIVEN = """judged AS MATERIALIZED (
    SELECT place, id, id::{id_type} AS row_id, why, payload
    FROM json_to_recordset(%(given)s::json) AS given
        (place bigint, id text, why text[], payload jsonb)
)"""


def _given(row: dict[str, Any], source: Source) -> dict[str, Any]:
    why, payload = row["why"], None
    if why is None:
        try:
            payload = source.storable_payload(row)
        except CannotRetry as refusal:
            why = [Outcome.Kind.INELIGIBLE.value, refusal.message]
    return {name: row[name] for name in ("place", "id")} | {"why": why, "payload": payload}


def _counted(parts: SourceSql, statement: Statement) -> dict[str, int]:
    (counts,) = _rows(parts, statement)
    if who := counts.pop("told"):
        tell(parts, who)
    return counts


def _rows(parts: SourceSql, statement: Statement) -> list[dict[str, Any]]:
    with connections[parts.alias].cursor() as cursor:
        cursor.execute(*statement)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
