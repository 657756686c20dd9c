"""Every read of operations that a page needs. Times come back aware; counts stop at CAP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg import sql

from incidents.operations.progress import outbox_depth_and_age, running_actions
from incidents.operations.scope import Scope
from incidents.operations.sources import SOURCES, STATES, Source, source_of
from incidents.operations.sources.sql import SourceSql
from ops_console.errors import ConsoleError, NotFound
from ops_console.web import Key, Keyset, Page

__all__ = [
    "Count",
    "Detail",
    "Operation",
    "SourceUnavailable",
    "count",
    "counts",
    "detail",
    "list_page",
    "outbox_depth_and_age",
    "running_actions",
    "scan",
    "stuck_count",
    "unavailable",
]

# A count that would go on is shown as "10,000+": nobody waits for the exact one.
CAP = 10_000
PAGE_SIZE = 50
SCAN_SIZE = 2_000


class SourceUnavailable(ConsoleError):
    """The source cannot be read in this database; the message says what is missing."""

    status = 503
    code = "source_unavailable"


@dataclass(frozen=True)
class Operation:
    """A row as an operator sees it. `since` is what stuck is counted from: the latest of the three times before it."""

    kind: str
    operation_id: str
    owner_id: str | None
    title: str
    status: str
    age_at: datetime
    last_command_at: datetime | None
    heartbeat_at: datetime | None
    version: int
    attempts: int
    since: datetime


@dataclass(frozen=True)
class Detail:
    """An operation with all that a change of it needs: `row` holds the meta text and the payload's columns."""

    operation: Operation
    row: dict[str, Any]


@dataclass(frozen=True)
class Count:
    """A number of rows, `capped` where there are more, and when the database was asked."""

    number: int
    capped: bool
    checked_at: datetime | None


def parts_of(kind: str) -> SourceSql:
    """The SQL of a kind's source. Raises NotFound, SourceUnavailable."""
    source = source_of(kind)
    live = source.live()
    if reason := source.why_not("list", live):
        raise SourceUnavailable(f"The {source.plural} cannot be listed. {reason}")
    return SourceSql(source, live)


def list_page(scope: Scope, cursor: str = "", size: int = PAGE_SIZE) -> Page[Operation]:
    """One page: the longest-waiting first, of what failed the newest. Raises InvalidInput, SourceUnavailable."""
    parts = parts_of(scope.kind)
    keyset = _keyset(parts, scope, size)
    rows = _select(parts, scope, keyset, cursor, parts.columns())
    return keyset.cut([Operation(kind=scope.kind, **row) for row in rows], cursor)


def scan(scope: Scope, details: bool = False) -> Iterator[list[dict[str, Any]]]:
    """All rows of a scope in keyset pages: no transaction stays open, however many there are."""
    parts = parts_of(scope.kind)
    keyset = _keyset(parts, scope, SCAN_SIZE)
    columns = sql.SQL(", ").join([parts.columns(), parts.details()]) if details else parts.columns()
    cursor = ""
    while True:
        page = keyset.cut(_select(parts, scope, keyset, cursor, columns), cursor)
        if page.rows:
            yield page.rows
        cursor = page.next
        if not cursor:
            return


def counts(scope: Scope) -> dict[str, int]:
    """How many rows each state has under the scope's filters, in one statement; CAP + 1 where there are more."""
    parts = parts_of(scope.kind)
    selects: list[sql.Composable] = []
    params: dict[str, Any] = {}
    for state in STATES:
        condition, params = parts.where(_in_state(scope, state))
        selects.append(
            sql.SQL("(SELECT count(*) FROM (SELECT 1 {} WHERE {} LIMIT {}) AS counted)").format(
                parts.origin(), condition, sql.Literal(CAP + 1)
            )
        )
    row = _rows(sql.SQL("SELECT {}").format(sql.SQL(", ").join(selects)), params, named=False)[0]
    return dict(zip(STATES, row, strict=True))


def count(scope: Scope) -> Count:
    """How many rows a scope has, and when that was so."""
    parts = parts_of(scope.kind)
    condition, params = parts.where(scope)
    statement = sql.SQL("SELECT (SELECT count(*) FROM (SELECT 1 {} WHERE {} LIMIT {}) AS counted), now()").format(
        parts.origin(), condition, sql.Literal(CAP + 1)
    )
    number, at = _rows(statement, params, named=False)[0]
    return Count(min(number, CAP), number > CAP, at)


def stuck_count() -> Count:
    """How many operations of all kinds are stuck. Kinds that this database lacks count nothing."""
    found = [count(Scope(kind=kind)) for kind in SOURCES if not unavailable(kind)]
    times = [one.checked_at for one in found if one.checked_at]
    return Count(sum(one.number for one in found), any(one.capped for one in found), min(times, default=None))


def unavailable(kind: str) -> str:
    """Why a kind cannot be listed here; "" if it can."""
    source = source_of(kind)
    return source.why_not("list", source.live())


def detail(kind: str, operation_id: str) -> Detail:
    """One operation. Raises NotFound, SourceUnavailable."""
    parts = parts_of(kind)
    columns = sql.SQL(", ").join([parts.columns(), parts.details()])
    condition, params = parts.where(Scope(kind=kind, state="any", ids=(operation_id,)))
    rows = _rows(sql.SQL("SELECT {} {} WHERE {}").format(columns, parts.origin(), condition), params)
    if not rows:
        raise NotFound(f"There is no {parts.source.label} with the id {operation_id}.")
    return Detail(operation_of(kind, rows[0]), rows[0])


def operation_of(kind: str, row: dict[str, Any]) -> Operation:
    """The part of a row that an operator sees."""
    return Operation(kind=kind, **{name: row[name] for name in Operation.__dataclass_fields__ if name != "kind"})


def state_of(source: Source, operation: Operation, now: datetime) -> str:
    """Which tab the operation is under; "" for none of them."""
    if operation.status in source.in_progress:
        silent_seconds = (now - operation.since).total_seconds()
        return "stuck" if silent_seconds > source.stuck_after_seconds else "in_progress"
    return "failed" if operation.status in source.failed else "waiting" if operation.status in source.waiting else ""


def _in_state(scope: Scope, state: str) -> Scope:
    return Scope(scope.kind, state, scope.older_than_seconds, scope.owners, scope.text, None, scope.as_of)


def _keyset(parts: SourceSql, scope: Scope, size: int) -> Keyset:
    id_type = parts.live.columns[parts.source.id_column].type
    kind = "uuid" if id_type == "uuid" else "int" if "int" in id_type else "text"
    return Keyset(
        Key("age_at", "time", column=parts.age.as_string(), descending=scope.state == "failed"),
        Key("operation_id", kind, column=parts.id.as_string(), descending=scope.state == "failed"),
        size=size,
    )


def _select(
    parts: SourceSql, scope: Scope, keyset: Keyset, cursor: str, columns: sql.Composable
) -> list[dict[str, Any]]:
    condition, params = parts.where(scope)
    after, order, keys = keyset.sql(cursor)
    statement = sql.SQL("SELECT {} {} WHERE {} AND {} AND {} ORDER BY {} LIMIT {}").format(
        columns,
        parts.origin(),
        condition,
        _bound(parts, keyset, cursor),
        sql.SQL(after),
        sql.SQL(order),
        sql.Literal(keyset.size + 1),
    )
    rows: list[dict[str, Any]] = _rows(statement, params | keys)
    return rows


def _bound(parts: SourceSql, keyset: Keyset, cursor: str) -> sql.Composable:
    """Where the page begins by age alone: an index can serve this, and not the alternatives that follow it."""
    at = keyset.read(cursor)
    if at is None:
        return sql.SQL("TRUE")
    descending = keyset.keys[0].descending != at.backward
    return sql.SQL("{} {} %(k0)s").format(parts.age, sql.SQL("<=" if descending else ">="))


def _rows(statement: sql.Composable, params: dict[str, Any], named: bool = True) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows = cursor.fetchall()
        if not named:
            return rows
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in rows]
