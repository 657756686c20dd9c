"""What is written for the operations of a slice that may change: one statement, in the transaction of their locks.

Rows, marks, commands, notifications and exceptions, each a common table expression over the verdicts.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from incidents.operations.judging import absent
from incidents.operations.models import WAS_EMPTY, WAS_NULL, Action, Verb
from incidents.operations.notifications import told
from incidents.operations.sources import FailureNote
from incidents.operations.sources.sql import SourceSql
from incidents.operations.verbs import RULES, new_status

MARKED_UP_TO = 20_000
Statement = tuple[sql.Composable, dict[str, Any]]
_COUNTS = """
SELECT coalesce(why[1], 'changed'), count(*) FROM (SELECT why FROM judged UNION ALL SELECT why FROM absent) AS verdicts
GROUP BY 1
"""

_MARKED = """marked AS (
    INSERT INTO ops.operations_operationmark AS m (kind, operation_id, version, attempts, last_command_at,
        snoozed_until, last_verb, reason, note, status_before, action_ids)
    SELECT %(kind)s, j.id, j.version_now + %(is_command)s, %(counts)s, CASE WHEN %(is_command)s = 1 THEN now() END,
        %(snooze)s, %(verb)s, %(reason)s, {note}, {status_before}, ARRAY[%(action)s::bigint]
    FROM judged AS j WHERE j.why IS NULL AND {kept_beside}
    ON CONFLICT (kind, operation_id) DO UPDATE SET
        version = excluded.version, attempts = m.attempts + excluded.attempts,
        last_command_at = coalesce(excluded.last_command_at, m.last_command_at),
        snoozed_until = excluded.snoozed_until,
        last_verb = excluded.last_verb, reason = excluded.reason, note = excluded.note,
        status_before = CASE WHEN %(is_command)s = 1 THEN excluded.status_before ELSE m.status_before END,
        action_ids = (excluded.action_ids || m.action_ids)[1:20]
)"""
_EXCEPTIONS = """excepted AS (
    INSERT INTO ops.operations_outcome (action_id, operation_id, outcome, detail)
    SELECT %(action)s, j.id, j.why[1], j.why[2] FROM (
        SELECT id, why FROM judged WHERE why IS NOT NULL UNION ALL SELECT id, why FROM absent
    ) AS j
    ON CONFLICT (action_id, operation_id) DO NOTHING
)"""
_COMMAND = """commanded AS (
    INSERT INTO ops.operations_command (action_id, kind, verb, reason, operation_ids, versions, payloads, due_at,
        available_at)
    SELECT %(action)s, %(kind)s, %(command)s, %(reason)s, array_agg(j.id),
        array_agg(j.version_now + CASE WHEN {kept_beside} THEN 1 ELSE 0 END),
        jsonb_agg(j.payload), now() + %(delay)s, now() + %(delay)s
    FROM judged AS j WHERE j.why IS NULL HAVING count(*) > 0
)"""


def writes(parts: SourceSql, action: Action) -> Iterator[Statement]:
    """The expressions that change something, over `judged`, and their parameters."""
    yield absent(parts)
    yield from _row_changes(parts, action)
    yield _marks(parts, action)
    yield sql.SQL(_EXCEPTIONS), {}
    if action.notifies:
        yield from told(parts)


def command(parts: SourceSql, action: Action, verb: str, delay: timedelta) -> Statement:
    """The outbox row: one for all operations of the slice, each with the version that it has from now on."""
    return sql.SQL(_COMMAND).format(kept_beside=_kept_beside(parts, action)), {"command": verb, "delay": delay}


def together(parts: list[Statement]) -> Statement:
    """One statement of all, `judged` first, which answers with the counts."""
    expressions = [part for part, _ in parts]
    params = {name: value for _, given in parts for name, value in given.items()}
    return sql.SQL("WITH {} {}").format(sql.SQL(", ").join(expressions), sql.SQL(_COUNTS)), params


def failed_meta(parts: SourceSql, action: Action) -> Statement:
    """The meta column after the verb, as text; NULL where it stays, or cannot take what it should."""
    source = parts.source
    if not parts.live.writable(source.meta_column) or not source.reason_as:
        return sql.SQL("NULL::text"), {}
    if action.verb == Verb.TAKE_BACK:
        return sql.SQL("ops.without_failure({})").format(parts.meta), {}
    if action.verb != Verb.FAIL:
        return sql.SQL("NULL::text"), {}
    note = FailureNote(action.reason, datetime.now(UTC).isoformat(timespec="seconds"), action.actor, action.pk)
    if source.reason_as == "text":
        return sql.SQL("%(failure)s::text"), {"failure": note.reason}
    return sql.SQL("ops.with_failure({}, %(failure)s)").format(parts.meta), {"failure": json.dumps(note.keys())}


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
        ).format(parts.table, sql.SQL(", ").join(settings), parts.id, unless),
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


def _marks(parts: SourceSql, action: Action) -> Statement:
    source, rule = parts.source, RULES[Verb(action.verb)]
    note: sql.Composable = sql.SQL("''")
    if action.verb == Verb.FAIL:
        lacking = "The table has no column for the reason: it is stored only in the console."
        if parts.live.writable(source.meta_column):
            lacking = (
                f"{source.meta_column} is not a JSON object and was not changed: "
                "the reason is stored only in the console."
            )
        note = sql.SQL("CASE WHEN j.new_meta IS NULL THEN {} ELSE '' END").format(sql.Literal(lacking))
    before: sql.Composable = sql.SQL("''")
    if rule.hands_over:
        # Only a status that a retry has replaced can be wanted back.
        # The column has 60 characters; an error's text behind the status may be longer, and is cut.
        replaced = sql.SQL("CASE j.status WHEN {} THEN '' WHEN '' THEN {} ELSE coalesce(left(j.status, 60), {}) END")
        before = replaced.format(*map(sql.Literal, (source.retry_status, WAS_EMPTY, WAS_NULL)))
    return sql.SQL(_MARKED).format(note=note, status_before=before, kept_beside=_kept_beside(parts, action)), {
        "kind": action.kind,
        "is_command": int(rule.is_command),
        "counts": int(rule.counts),
        "snooze": action.snooze_until,
        "verb": action.verb,
        "reason": action.reason,
        "action": action.pk,
    }


def _kept_beside(parts: SourceSql, action: Action) -> sql.Composable:
    """Which operations get a mark. A failure's why, when, by whom and by which action stands in the row itself where
    it can: of a very large bulk a row of ours for each would double the work. Its version stays 0 then, as that of any
    without a mark.
    """
    if action.total > MARKED_UP_TO and action.verb == Verb.FAIL and parts.source.reason_as == "json":
        return sql.SQL("(j.has_mark OR j.new_meta IS NULL)")
    return sql.SQL("TRUE")
