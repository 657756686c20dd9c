"""An intent becomes rows: the operations that a scope holds now, in packed chunks with what was seen of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection
from psycopg import sql

from incidents.operations.branches import Branch, branch_of
from incidents.operations.eligibility import reason, seen_at
from incidents.operations.guard import limited
from incidents.operations.listing import is_descending
from incidents.operations.models import Action, Verb
from incidents.operations.preview import judged
from incidents.operations.scope import Scope
from incidents.operations.verbs import RULES
from ops_console import foreign
from ops_console.errors import Conflict, InvalidInput

CANARY_SIZE = 10
CHUNK_SIZE = 2_000
# Nobody waits at a page for the largest: a worker or a shell does.
FREEZE_MS = 600_000
EVERY = 2**62
NOTHING_LEFT = "None of these operations is in this state any more: nothing is left to do."
# What an operator looked at: status and version by operation id.
Seen = dict[str, tuple[str, int]]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Options:
    """How an action is to go. `most` bounds how many are changed; `canary` pauses after the first ten."""

    canary: bool = False
    rate_per_second: float | None = None
    notifies: bool = False
    frees: bool = False
    snooze_until: datetime | None = None
    most: int | None = None


def freeze(action: Action, scopes: Sequence[Scope], seen: Seen, most: int | None) -> None:
    """Write the chunks, and the action's total. The arrays of a chunk pass through this process as text, a few at a
    time, unless the action is for `most` operations that need a payload. Then only what can be acted on is meant, up
    to so many.

    The scopes are of the action's kind and hold different operations; their moments are fixed.
    Raises InvalidInput where nothing is left, Conflict, SourceUnavailable, TooSlow.
    """
    chunks = 0
    with limited(FREEZE_MS, "What is meant"):
        for scope in scopes:
            left = None if most is None else most - action.total
            for part, limit in _parts(scope, action.verb, left):
                canary = CANARY_SIZE if action.canary and not chunks else 0
                written = _write(action, part, chunks, canary, limit)
                action.total, chunks = action.total + written[0], chunks + written[1]
    if not action.total:
        done_word = RULES[Verb(action.verb)].done
        raise InvalidInput("ids", NOTHING_LEFT if most is None else f"None of these operations can be {done_word}.")
    if seen:
        compare(_frozen(action, seen), seen)


def _parts(scope: Scope, verb: str, most: int | None) -> Iterator[tuple[Scope, int | None]]:
    """The scope in parts to be frozen one by one, each with how many of it that can be acted on; None for all of it.

    In one, unless it takes the source's code to find out what can be acted on. Nothing where `most` is reached already.
    """
    if most is None or (most > 0 and not RULES[Verb(verb)].hands_over):
        yield scope, most
        return
    able = (row["operation_id"] for row, reason in judged(scope, verb, most) if not reason)
    chosen = islice(able, most)
    while ids := tuple(islice(chosen, CHUNK_SIZE)):
        yield replace(scope, ids=ids), None


_CHUNKS = """
WITH listed AS (
    SELECT {columns}, {id} AS row_id, row_number() OVER (ORDER BY e.sort_at {way}, {key} {way}) AS place_in_list
    FROM ({rows}) AS e {mark} {able}
), placed AS (
    SELECT *, row_number() OVER (ORDER BY {order}) AS place FROM listed
)
SELECT number, array_agg(operation_id ORDER BY place)::text, array_agg(status ORDER BY place)::text,
    array_agg(age_at ORDER BY place)::text, array_agg(version ORDER BY place)::text
FROM (
    SELECT *, CASE WHEN place <= {canary} THEN 0
        ELSE least({canary}, 1) + (place - 1 - {canary}) / {size} END AS number FROM placed
) AS numbered
GROUP BY number ORDER BY number
"""
_CHUNK = """
INSERT INTO ops.operations_chunk (action_id, number, operation_ids, seen_statuses, seen_ages, seen_versions, state,
    changed, finished_meanwhile, locked, ineligible)
SELECT %s, %s, ids, statuses, ages, versions, 'pending', 0, 0, 0, 0
FROM (SELECT %s::text[], %s::text[], %s::timestamptz[], %s::integer[]) AS given (ids, statuses, ages, versions)
WHERE cardinality(ids) > 0 AND (cardinality(statuses), cardinality(ages), cardinality(versions))
    = (cardinality(ids), cardinality(ids), cardinality(ids))
RETURNING cardinality(operation_ids)
"""
# Chunks that are in memory at a time: one is some 200 kB of text.
_FETCHED = 20


def _write(action: Action, scope: Scope, first: int, canary: int, most: int | None) -> tuple[int, int]:
    """Chunks of a scope, numbered from `first`; how many operations and chunks. With `most`, of the first so many in
    its list's order that can be acted on.

    They are read as the role of the backend's tables, and written as the console's: nothing that stands in those tables
    is ever compared, or given a type of theirs, on the console's own connection.
    """
    branch, down = branch_of(scope.kind), is_descending(scope)
    way = sql.SQL("DESC" if down else "ASC")
    statement = sql.SQL(_CHUNKS).format(
        columns=branch.parts.columns(),
        rows=branch.rows(scope, sql.SQL("TRUE"), down, EVERY),
        mark=branch.parts.mark_beside(),
        able=sql.SQL("") if most is None else _able(branch, action.verb, scope, way, most),
        id=branch.parts.id,
        key=branch.key(scope),
        way=way,
        order=_order(action, canary),
        canary=sql.Literal(canary),
        size=sql.Literal(CHUNK_SIZE),
    )
    operations = chunks = 0
    with foreign.opened().chunked_cursor() as found, connection.cursor() as cursor:
        found.execute(statement)
        while batch := found.fetchmany(_FETCHED):
            for _, *arrays in batch:
                cursor.execute(_CHUNK, [action.pk, first + chunks, *arrays])
                (size,) = cursor.fetchone()
                operations, chunks = operations + size, chunks + 1
    return operations, chunks


def _able(branch: Branch, verb: str, scope: Scope, way: sql.Composable, most: int) -> sql.Composable:
    return sql.SQL("WHERE {} IS NULL ORDER BY e.sort_at {way}, {} {way} LIMIT {}").format(
        reason(branch.parts, verb, many=most > 1, seen_at=seen_at(scope)), branch.key(scope), sql.Literal(most), way=way
    )


def _order(action: Action, canary: int) -> sql.Composable:
    """In which they are released: a backend gets what it is to do again in the list's order.

    The rest goes by id, after a canary's few. Neighbours in the primary key share its pages, and the fewer pages a bulk
    touches between two transactions, the less is read and written for each row.
    """
    if RULES[Verb(action.verb)].hands_over:
        return sql.SQL("place_in_list")
    return sql.SQL("least(place_in_list, {}), row_id").format(sql.Literal(canary + 1))


def _frozen(action: Action, seen: Seen) -> Rows:
    """What was frozen of the operations that somebody looked at."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"action": action.pk, "ids": list(seen)})
        names = ("operation_id", "status", "version")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_SEEN = """
SELECT s.id, s.status, s.version FROM ops.operations_chunk AS c CROSS JOIN LATERAL ROWS FROM (
    unnest(c.operation_ids), unnest(c.seen_statuses), unnest(c.seen_versions)
) AS s (id, status, version)
WHERE c.action_id = %(action)s AND s.id = ANY (%(ids)s)
"""


def compare(found: Rows, seen: Seen) -> None:
    """Raise Conflict, with both versions, when a row is no longer as it was seen."""
    for row in found:
        status, version = seen.get(row["operation_id"], (row["status"], row["version"]))
        if (status, version) != (row["status"], row["version"]):
            raise Conflict(
                "This operation has changed since you looked at it.",
                {"status": row["status"], "commands": row["version"]},
                {"status": status, "commands": version},
            )


def freeze_again(action: Action, taken_back: Action, status: str) -> None:
    """The chunks of an action that undoes another: what that one changed, as it left it, with what was before.

    `status` is what it set. Nothing of it is read into this process.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, {"action": action.pk, "of": taken_back.pk, "status": status})
        cursor.execute(
            "SELECT coalesce(sum(cardinality(operation_ids)), 0) FROM ops.operations_chunk WHERE action_id = %s",
            [action.pk],
        )
        (action.total,) = cursor.fetchone()
    if not action.total:
        raise InvalidInput("action", "It has changed nothing: there is nothing to take back.")


_AGAIN = """
INSERT INTO ops.operations_chunk (action_id, number, operation_ids, seen_statuses, seen_ages, seen_versions,
    statuses_before, state, changed, finished_meanwhile, locked, ineligible)
SELECT %(action)s, c.number, array_agg(s.id), array_agg(coalesce(nullif(%(status)s, ''), s.status)),
    array_agg(s.age_at), array_agg(s.version), array_agg(s.status), 'pending', 0, 0, 0, 0
FROM ops.operations_chunk AS c
CROSS JOIN LATERAL ROWS FROM (
    unnest(c.operation_ids[1:c.released]), unnest(c.seen_statuses), unnest(c.seen_ages), unnest(c.seen_versions)
) AS s (id, status, age_at, version)
LEFT JOIN ops.operations_outcome AS o ON o.action_id = c.action_id AND o.operation_id = s.id
WHERE c.action_id = %(of)s AND s.id IS NOT NULL AND o.id IS NULL
GROUP BY c.number
"""
