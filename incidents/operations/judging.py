"""The verdict on every operation of a slice of a chunk, as SQL: compared with what the operator saw, and why not.

The chunk's own arrays are read where they are: two thousand ids do not travel. Rows that somebody else holds are
skipped. Marks are as they were when the statement began: only one slice of a kind is released at a time.
"""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from incidents.operations import eligibility
from incidents.operations.models import Action, Verb
from incidents.operations.scope import Scope
from incidents.operations.sources.sql import SourceSql

Statement = tuple[sql.Composable, dict[str, Any]]

# Joined by index and never to each other: the planner takes arrays and CTEs for a handful of rows.
_SLICE = """ops_sources.chunk AS c CROSS JOIN LATERAL ROWS FROM (
        unnest(c.operation_ids[%(first)s:%(last)s]), unnest(c.seen_statuses[%(first)s:%(last)s]),
        unnest(c.seen_ages[%(first)s:%(last)s]), unnest(c.seen_versions[%(first)s:%(last)s]),
        unnest(c.statuses_before[%(first)s:%(last)s])
    ) WITH ORDINALITY AS s (id, status, age_at, version, status_before, place)"""

_HELD = f"""held AS MATERIALIZED (
    SELECT s.*, {{id}} AS row_id, {{status}} AS status_now, {{age}} AS age_now, {{sign}} AS sign_at,
        {{meta}} AS meta_now, {{lacking}} AS lacking, {{columns}}
    FROM {_SLICE} JOIN {{table}} AS e ON {{id}} = s.id::{{id_type}}
    WHERE c.id = %(chunk)s FOR NO KEY UPDATE OF e SKIP LOCKED
)"""  # noqa: S608 - put together from our own

_JUDGED = """judged AS MATERIALIZED (
    SELECT h.*, CASE
        WHEN h.status_now IS DISTINCT FROM h.status THEN
            ARRAY['finished_meanwhile', format('Its status is %%s by now; it was %%s.', h.status_now, h.status)]
        WHEN h.age_now <> h.age_at THEN ARRAY['finished_meanwhile', 'Its backend has taken it up again since.']
        {conditions}
    END AS why
    FROM held AS h LEFT JOIN ops_sources.mark AS m ON m.kind = %(kind)s AND m.operation_id = h.id
)"""

_ABSENT = f"""absent AS (
    SELECT left_out.place, CASE WHEN EXISTS (SELECT FROM {{table}} AS e WHERE {{id}} = left_out.id::{{id_type}})
        THEN ARRAY['locked', 'Another transaction holds the row.']
        ELSE ARRAY['finished_meanwhile', 'The row is gone.'] END AS why
    FROM (
        -- Nothing is compared where nothing is missing.
        SELECT s.id, s.place FROM {_SLICE}
        WHERE c.id = %(chunk)s AND (SELECT count(*) FROM judged) <= %(last)s - %(first)s
        EXCEPT SELECT id, place FROM judged
    ) AS left_out
)"""  # noqa: S608 - put together from our own


def judged(parts: SourceSql, action: Action, columns: sql.Composable) -> Statement:
    """The expressions `held` (the rows, locked until the transaction ends) and `judged`, `why` NULL for what may
    change, with the source's `columns`; and their parameters beside those of the slice.
    """
    conditions, params = _conditions(parts, action)
    is_taken_back = action.verb == Verb.TAKE_BACK
    named = {
        "id": parts.id,
        "id_type": parts.id_type,
        "table": parts.written_table,
        "status": sql.SQL("{}::text").format(parts.column(parts.source.status_column)),
        "age": parts.age,
        "sign": parts.own_heartbeat,
        "meta": parts.meta if is_taken_back else sql.SQL("NULL::text"),
        "lacking": sql.SQL("NULL::text[]") if is_taken_back else eligibility.lacking(parts, action.verb),
        "columns": columns,
        "conditions": conditions,
    }
    return sql.SQL(f"{_HELD}, {_JUDGED}").format(**named), params


def absent(parts: SourceSql) -> Statement:
    """The expression of the same name: what of the slice is not in `judged`, with `why`."""
    return sql.SQL(_ABSENT).format(id=parts.id, id_type=parts.id_type, table=parts.written_table), {}


@dataclass(frozen=True)
class Slice:
    """The next operations of a chunk: the `first` to the `last` of its arrays."""

    chunk: int
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


def slice_of(action: Action, part: Slice) -> dict[str, Any]:
    """The parameters that name a slice."""
    return {"kind": action.kind, "chunk": part.chunk, "first": part.first, "last": part.last}


def _conditions(parts: SourceSql, action: Action) -> Statement:
    """What the verb asks for, as branches of the CASE."""
    if action.verb == Verb.TAKE_BACK:
        params = {"note": f'"error_action": {action.takes_back_id}', "taken_back": action.takes_back_id}
        return sql.SQL(f"{_CARRIED_OUT}\n        {_NOT_LAST}"), params
    scope = Scope.from_json(action.scope)
    held = eligibility.branches(
        parts,
        action.verb,
        status=sql.SQL("h.status_now"),
        lacking=sql.SQL("h.lacking"),
        sign=sql.SQL("h.sign_at"),
        many=action.total > 1,
        seen_at=eligibility.seen_at(scope if scope.as_of else scope.at(action.created_at)),
    )
    return sql.SQL("{}\n        {}").format(sql.SQL(_OTHER), held), {}


_OTHER = """WHEN coalesce(m.version, 0) <> h.version THEN
            ARRAY['finished_meanwhile', 'Another action was quicker with it.']"""
# Which action was the last stands in its mark, or in the row of one that failed without a mark.
_NOT_LAST = """WHEN m.kind IS NOT NULL AND m.action_ids[1] IS DISTINCT FROM %(taken_back)s
            OR m.kind IS NULL AND coalesce(position(%(note)s IN h.meta_now), 0) = 0 THEN
            ARRAY['finished_meanwhile', 'Another action was quicker with it.']"""
_CARRIED_OUT = """WHEN m.handled_version >= m.version THEN
            ARRAY['ineligible', 'Its backend has carried it out already.']"""
