"""What happens to the rows of one chunk: compared with what the operator saw, then set, or left and said why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from psycopg import sql

from incidents.operations.models import Action, Chunk, Command, Outcome, Verb
from incidents.operations.preview import why_ineligible
from incidents.operations.queries import parts_of
from incidents.operations.sources import FailureNote
from incidents.operations.sources.sql import SourceSql

_Kind = Outcome.Kind
Row = Mapping[str, Any]


@dataclass
class Verdicts:
    """The rows that change, with a note of what could not be written, and every other id with its reason."""

    changing: dict[str, Row] = field(default_factory=dict)
    exceptions: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Numbers by the chunk's columns."""
        kinds = [kind for kind, _ in self.exceptions.values()]
        named = (_Kind.FINISHED_MEANWHILE, _Kind.LOCKED, _Kind.INELIGIBLE)
        return {"changed": len(self.changing), **{kind.value: kinds.count(kind) for kind in named}}


def write_chunk(action: Action, chunk: Chunk) -> Verdicts:
    """Lock, compare and set, within the caller's transaction. Locked rows are left and said so, never waited for."""
    parts = parts_of(action.kind)
    rows = locked_rows(parts, chunk.operation_ids)
    marks = _marks(action.kind, list(rows))
    verdicts = Verdicts()
    seen = zip(chunk.operation_ids, chunk.seen_statuses, chunk.seen_ages, chunk.seen_versions, strict=True)
    for operation_id, *expected in seen:
        if row := rows.get(operation_id):
            kind, detail = _verdict(parts, action, {**row, **marks.get(operation_id, _NO_MARK)}, expected)
            if kind:
                verdicts.exceptions[operation_id] = kind, detail
            else:
                verdicts.changing[operation_id] = row
    _explain_missing(parts, chunk, rows, verdicts)
    _write(parts, action, verdicts)
    return verdicts


_NO_MARK = {"version": 0, "heartbeat_at": None}


def locked_rows(parts: SourceSql, ids: list[str]) -> dict[str, Row]:
    """The rows of these ids that nobody else holds, locked until the transaction ends."""
    columns = sql.SQL(", ").join([parts.columns(), parts.details()])
    # In id order, so that two workers that lock for other reasons meet rows in one order.
    statement = sql.SQL("SELECT {} {} WHERE {} = ANY(%(ids)s::{}[]) ORDER BY e.{} FOR UPDATE OF e SKIP LOCKED").format(
        columns, parts.origin(), parts.id, parts.id_type, sql.Identifier(parts.source.id_column)
    )
    return {row["operation_id"]: row for row in _rows(statement, {"ids": ids})}


def _marks(kind: str, ids: list[str]) -> dict[str, Row]:
    """The marks as of now: those read with the rows may be older than the lock on them."""
    statement = sql.SQL(
        "SELECT operation_id, version, heartbeat_at FROM ops.operations_operationmark "
        "WHERE kind = %(kind)s AND operation_id = ANY(%(ids)s)"
    )
    return {row["operation_id"]: row for row in _rows(statement, {"kind": kind, "ids": ids})}


def _verdict(parts: SourceSql, action: Action, row: Row, expected: list[Any]) -> tuple[str, str]:
    status, age_at, version = expected
    if row["status"] != status:
        return _Kind.FINISHED_MEANWHILE, f"Its status is {row['status']} by now; it was {status}."
    if row["age_at"] != age_at:
        return _Kind.FINISHED_MEANWHILE, "Its backend has taken it up again since."
    if row["version"] != version:
        return _Kind.FINISHED_MEANWHILE, "Another action was quicker with it."
    if row["heartbeat_at"] and row["heartbeat_at"] > action.created_at:
        return _Kind.INELIGIBLE, "It has sent a heartbeat since: it is alive."
    reason = why_ineligible(parts.source, parts.live, action.verb, row)
    return (_Kind.INELIGIBLE, reason) if reason else ("", "")


def _explain_missing(parts: SourceSql, chunk: Chunk, rows: Mapping[str, Row], verdicts: Verdicts) -> None:
    """Rows that were not given to us are locked by somebody else, or gone."""
    missing = [i for i in chunk.operation_ids if i not in rows]
    if not missing:
        return
    statement = sql.SQL("SELECT {id}::text AS id FROM {table} AS e WHERE {id} = ANY(%(ids)s::{type}[])").format(
        id=parts.id, table=parts.table, type=parts.id_type
    )
    there = {row["id"] for row in _rows(statement, {"ids": missing})}
    for operation_id in missing:
        verdicts.exceptions[operation_id] = (
            (_Kind.LOCKED, "Another transaction holds the row.")
            if operation_id in there
            else (_Kind.FINISHED_MEANWHILE, "The row is gone.")
        )


def _write(parts: SourceSql, action: Action, verdicts: Verdicts) -> None:
    if verdicts.changing:
        if action.verb == Verb.FAIL:
            _fail_rows(parts, action, verdicts)
        else:
            _set_retry_status(parts, verdicts)
        versions = _mark(parts, action, verdicts)
        if action.verb == Verb.RETRY:
            _queue(parts, action, verdicts, versions)
    Outcome.objects.bulk_create(
        (Outcome(action=action, operation_id=i, outcome=k, detail=d) for i, (k, d) in verdicts.exceptions.items()),
        ignore_conflicts=True,
    )


def _fail_rows(parts: SourceSql, action: Action, verdicts: Verdicts) -> None:
    note = FailureNote(action.reason, datetime.now(UTC).isoformat(timespec="seconds"), action.actor)
    metas = []
    for operation_id, row in verdicts.changing.items():
        meta, lacking = parts.source.meta_when_failed(row["meta"], note)
        metas.append(meta)
        if lacking:
            verdicts.notes[operation_id] = lacking
    params = {"ids": list(verdicts.changing), "metas": metas, "status": parts.source.fail_status}
    setting = sql.SQL("{} = %(status)s").format(sql.Identifier(parts.source.status_column))
    meta_column = parts.source.meta_column
    if parts.live.writable(meta_column):
        changed_meta = sql.SQL("{} = new.meta::{}").format(
            sql.Identifier(meta_column), sql.SQL(parts.live.columns[meta_column].type)
        )
        setting = sql.SQL(", ").join([setting, changed_meta])
    execute(
        sql.SQL(
            "UPDATE {} AS e SET {} FROM unnest(%(ids)s::{}[], %(metas)s::text[]) AS new (id, meta) WHERE {} = new.id"
        ).format(parts.table, setting, parts.id_type, parts.id),
        params,
    )


def _set_retry_status(parts: SourceSql, verdicts: Verdicts) -> None:
    """A row that is in progress already is not written at all."""
    status = parts.source.retry_status
    ids = [i for i, row in verdicts.changing.items() if row["status"] != status]
    if ids:
        execute(
            sql.SQL("UPDATE {} AS e SET {} = %(status)s WHERE {} = ANY(%(ids)s::{}[])").format(
                parts.table, sql.Identifier(parts.source.status_column), parts.id, parts.id_type
            ),
            {"ids": ids, "status": status},
        )


_UPSERT = """
INSERT INTO ops.operations_operationmark AS m
    (kind, operation_id, version, attempts, last_command_at, last_verb, reason, note, status_before, action_ids)
SELECT %(kind)s, new.id, 1, %(retry)s, now(), %(verb)s, %(reason)s, new.note, new.status, ARRAY[%(action)s::bigint]
FROM unnest(%(ids)s::text[], %(notes)s::text[], %(statuses)s::text[]) AS new (id, note, status)
ON CONFLICT (kind, operation_id) DO UPDATE SET
    version = m.version + 1, attempts = m.attempts + excluded.attempts, last_command_at = excluded.last_command_at,
    last_verb = excluded.last_verb, reason = excluded.reason, note = excluded.note,
    status_before = excluded.status_before,
    action_ids = (excluded.action_ids || m.action_ids)[1:20]
RETURNING operation_id, version
"""


def _mark(parts: SourceSql, action: Action, verdicts: Verdicts) -> dict[str, int]:
    ids = list(verdicts.changing)
    # A failure stands; only a status that a retry has replaced can be wanted back.
    keeping = {parts.source.retry_status, *(parts.source.failable_statuses() if action.verb == Verb.FAIL else ())}
    before = [row["status"] for row in verdicts.changing.values()]
    params = {
        "kind": action.kind,
        "verb": action.verb,
        "retry": int(action.verb == Verb.RETRY),
        "reason": action.reason,
        "action": action.pk,
        "ids": ids,
        "notes": [verdicts.notes.get(i, "") for i in ids],
        "statuses": ["" if status in keeping else status for status in before],
    }
    return {row["operation_id"]: row["version"] for row in _rows(sql.SQL(_UPSERT), params)}


def _queue(parts: SourceSql, action: Action, verdicts: Verdicts, versions: Mapping[str, int]) -> None:
    ids = list(verdicts.changing)
    Command.objects.create(
        action=action,
        kind=action.kind,
        verb=action.verb,
        reason=action.reason,
        operation_ids=ids,
        versions=[versions[i] for i in ids],
        payloads=[parts.source.storable_payload(verdicts.changing[i]) for i in ids],
    )


def _rows(statement: sql.Composable, params: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def execute(statement: sql.Composable, params: dict[str, Any]) -> None:
    """Run a statement for what it does."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
