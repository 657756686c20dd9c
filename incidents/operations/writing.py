"""What is written for the operations of a slice: one statement, in the transaction of their locks.

The rows that may change, and the users' notifications beside them, are common table expressions over the verdicts. The
console's own tables, marks, commands, outcomes and audit, are written by `ops_sources.finish_slice`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from incidents.operations.judging import absent
from incidents.operations.models import Action, Verb
from incidents.operations.notifications import told
from incidents.operations.sources import FailureNote
from incidents.operations.sources.sql import SourceSql
from incidents.operations.verbs import RULES, new_status

MARKED_UP_TO = 20_000
Statement = tuple[sql.Composable, dict[str, Any]]
# Whatever a source does not need stays out of the arrays, which are as long as the slice.
_FINISHED = """
SELECT f.changed, f.finished_meanwhile, f.locked, f.ineligible, {told}::text AS told
FROM (
    SELECT array_agg(why[1] ORDER BY place) AS outcomes, array_agg(why[2] ORDER BY place) AS details,
        {payloads} AS payloads, {owners} AS owners, {unnoted} AS unnoted
    FROM (
        SELECT place, why, {payload} AS payload, {owner} AS owner_id, {is_unnoted} AS unnoted FROM judged
        UNION ALL SELECT place, why, NULL, NULL, NULL FROM absent
    ) AS verdicts
) AS v CROSS JOIN LATERAL ops_sources.finish_slice(%(action)s, %(chunk)s, v.outcomes, v.details, v.payloads, v.owners,
    v.unnoted, {sparse}, {status}, {note}, %(free_after)s) AS f
"""
# Ours are changed on another connection than the backend's table of notifications.
_TOLD = sql.SQL(
    "(SELECT json_agg(json_build_object('owner_id', owner_id, 'title', title)) FROM judged WHERE why IS NULL)"
)


def written(parts: SourceSql, action: Action, judged: Statement, free_after: timedelta) -> Statement:
    """The slice's one statement: over the verdicts of `judged` the rows are changed, and the rest is written down.

    It answers with the counts. `judged` has the column `payload` where a backend is told something.
    """
    expressions = [judged, absent(parts), *_row_changes(parts, action)]
    if action.notifies and parts.is_foreign:
        expressions += told(parts)
    finished, params = _finished(parts, action)
    params |= {name: value for _, given in expressions for name, value in given.items()}
    params |= {"action": action.pk, "free_after": free_after}
    named = sql.SQL(", ").join(expression for expression, _ in expressions)
    return sql.SQL("WITH {} {}").format(named, finished), params


def _finished(parts: SourceSql, action: Action) -> Statement:
    source, nothing = parts.source, sql.SQL("NULL")
    told_of = RULES[Verb(action.verb)].command or action.frees
    # A failure's why, when, by whom and by which action stands in the row itself where it can: of a very large bulk a
    # row of ours for each would double the work. Its version stays 0 then, as that of any without a mark.
    sparse = action.total > MARKED_UP_TO and action.verb == Verb.FAIL and source.reason_as == "json"
    return sql.SQL(_FINISHED).format(
        payloads=_ordered("payload") if told_of else sql.SQL("NULL::jsonb[]"),
        payload=sql.SQL("payload::jsonb") if told_of else sql.SQL("NULL::jsonb"),
        owners=_ordered("owner_id") if action.notifies else sql.SQL("NULL::text[]"),
        owner=sql.SQL("owner_id" if action.notifies else "NULL::text"),
        unnoted=_ordered("unnoted") if action.verb == Verb.FAIL else sql.SQL("NULL::boolean[]"),
        is_unnoted=sql.SQL("new_meta IS NULL" if action.verb == Verb.FAIL else "NULL::boolean"),
        told=_TOLD if action.notifies and not parts.is_foreign else nothing,
        sparse=sql.Literal(sparse),
        status=sql.Literal(source.retry_status),
        note=sql.Literal(_note(parts)) if action.verb == Verb.FAIL else nothing,
    ), {}


def _ordered(name: str) -> sql.Composable:
    return sql.SQL("array_agg({} ORDER BY place)").format(sql.Identifier(name))


def _note(parts: SourceSql) -> str:
    """What the mark of a failed row says where the row could not keep the reason."""
    if parts.live.writable(parts.source.meta_column):
        column = parts.source.meta_column
        return f"{column} is not a JSON object and was not changed: the reason is stored only in the console."
    return "The table has no column for the reason: it is stored only in the console."


def failed_meta(parts: SourceSql, action: Action) -> Statement:
    """The meta column after the verb, as text; NULL where it stays, or cannot take what it should."""
    source = parts.source
    if not parts.live.writable(source.meta_column) or not source.reason_as:
        return sql.SQL("NULL::text"), {}
    if action.verb == Verb.TAKE_BACK:
        return sql.SQL("ops_sources.without_failure({})").format(parts.meta), {}
    if action.verb != Verb.FAIL:
        return sql.SQL("NULL::text"), {}
    note = FailureNote(action.reason, datetime.now(UTC).isoformat(timespec="seconds"), action.actor, action.pk)
    if source.reason_as == "text":
        return sql.SQL("%(failure)s::text"), {"failure": note.reason}
    return sql.SQL("ops_sources.with_failure({}, %(failure)s)").format(parts.meta), {"failure": json.dumps(note.keys())}


def _row_changes(parts: SourceSql, action: Action) -> Iterator[Statement]:
    settings = list(_settings(parts, action))
    if not settings:
        return
    column = parts.column(parts.source.status_column)
    # A row that has the status already is not written at all, unless more than that is set.
    unless = (
        sql.SQL("{} IS DISTINCT FROM {}").format(column, _new_status(parts, action))
        if len(settings) == 1
        else sql.SQL("TRUE")
    )
    yield (
        sql.SQL(
            "changed AS (UPDATE {} AS e SET {} FROM judged AS j WHERE {} = j.row_id AND j.why IS NULL AND {})"
        ).format(parts.written_table, sql.SQL(", ").join(settings), parts.id, unless),
        {"status": "" if action.verb == Verb.TAKE_BACK else new_status(parts.source, action.verb)},
    )


def _settings(parts: SourceSql, action: Action) -> Iterator[sql.Composable]:
    """What is set in the row: its status, why it failed, when it ended. Nothing for a verb that leaves it as it is."""
    source, verb = parts.source, action.verb
    if verb != Verb.TAKE_BACK and not new_status(source, verb):
        return
    yield sql.SQL("{} = {}").format(sql.Identifier(source.status_column), _new_status(parts, action))
    has_reason = verb in (Verb.FAIL, Verb.TAKE_BACK) and parts.live.writable(source.meta_column)
    if has_reason and source.reason_as == "text" and verb == Verb.TAKE_BACK:
        yield sql.SQL("{} = NULL").format(sql.Identifier(source.meta_column))
    elif has_reason and source.reason_as:
        yield sql.SQL("{} = {}").format(sql.Identifier(source.meta_column), _new_meta(parts, verb))
    if source.ended_column:
        ended = sql.SQL("now()" if verb in (Verb.FAIL, Verb.RESOLVE) else "NULL")
        yield sql.SQL("{} = {}").format(sql.Identifier(source.ended_column), ended)


def _new_meta(parts: SourceSql, verb: str) -> sql.Composable:
    """What the verb makes of the meta column; as it is where nothing is made of it."""
    kept = sql.SQL("coalesce(j.new_meta::{type}, {old})").format(
        type=sql.SQL(parts.live.columns[parts.source.meta_column].type), old=parts.column(parts.source.meta_column)
    )
    if verb != Verb.TAKE_BACK:
        return kept
    # Empty text stands for the NULL that it was before.
    return sql.SQL("CASE WHEN j.new_meta = '' THEN NULL ELSE {} END").format(kept)


def _new_status(parts: SourceSql, action: Action) -> sql.Composable:
    kind = sql.SQL(parts.live.columns[parts.source.status_column].type)
    return sql.SQL("j.status_before::{}" if action.verb == Verb.TAKE_BACK else "%(status)s::{}").format(kind)
