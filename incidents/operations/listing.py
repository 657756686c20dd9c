"""Lists over every source that a scope means: one statement, keyset pages, merged by the time of their order."""

import heapq
from collections.abc import Callable, Iterator
from typing import Any

from psycopg import sql

from incidents.operations.branches import Branch, branches, in_order_of_list
from incidents.operations.guard import LIST_MS, limited, rows
from incidents.operations.operation import Operation, operation_of
from incidents.operations.scope import Scope
from incidents.operations.sources.sql import SourceSql
from incidents.operations.sources.states import FROM_MARKS, NEWEST_FIRST, state_sql
from ops_console.errors import InvalidInput
from ops_console.web import Key, Keyset, Page
from ops_console.web.keyset import Cursor

PAGE_SIZE = 50
SCAN_SIZE = 2_000
# A page of ids alone: small rows, so fewer statements.
ID_SCAN_SIZE = 20_000
Verdict = Callable[[SourceSql], sql.Composable]


def list_page(scope: Scope, cursor: str = "", size: int = PAGE_SIZE) -> Page[Operation]:
    """One page, as `is_descending` says. Raises InvalidInput, NotFound, SourceUnavailable, TooSlow."""
    with limited(LIST_MS, "This list", in_order_of_list(scope)):
        page = _page(scope, cursor, size, comes_again=True)
    return Page([operation_of(row) for row in page.rows], page.next, page.previous)


def scan(
    scope: Scope, details: bool = False, verdict: Verdict | None = None, first_size: int | None = None
) -> Iterator[list[dict[str, Any]]]:
    """All rows of a scope in keyset pages: no transaction stays open, however many there are.

    `verdict` makes columns of why a row may not be acted on, in place of what the row says of errors and progress. A
    smaller `first_size` lets a download begin at once.
    """
    cursor, size = "", first_size or SCAN_SIZE
    while True:
        page = _page(scope, cursor, size, details, verdict)
        if page.rows:
            yield page.rows
        cursor, size = page.next, SCAN_SIZE
        if not cursor:
            return


def scan_ids(scope: Scope) -> Iterator[list[str]]:
    """The ids of all rows of a scope, in the same pages and order as `scan`, without marks, errors or payloads."""
    cursor = ""
    while True:
        keyset = _keyset(ID_SCAN_SIZE)
        found = _merged(rows(sql_of_ids(scope, cursor)), _goes_down(scope, keyset.read(cursor)))
        page = keyset.cut(found[: ID_SCAN_SIZE + 1], cursor)
        if page.rows:
            yield [row["operation_id"] for row in page.rows]
        cursor = page.next
        if not cursor:
            return


def is_descending(scope: Scope) -> bool:
    """Whether the newest comes first: as asked for, else as its state has it."""
    return scope.state in NEWEST_FIRST if scope.ascending is None else not scope.ascending


def _page(
    scope: Scope,
    cursor: str,
    size: int,
    details: bool = False,
    verdict: Verdict | None = None,
    comes_again: bool = False,
) -> Page[dict[str, Any]]:
    keyset = _keyset(size)
    found = rows(sql_of_page(scope, cursor, size, details, verdict), comes_again)
    return keyset.cut(_merged(found, _goes_down(scope, keyset.read(cursor)))[: size + 1], cursor)


def sql_of_page(
    scope: Scope, cursor: str = "", size: int = PAGE_SIZE, details: bool = False, verdict: Verdict | None = None
) -> sql.Composable:
    """A page's one statement over all its branches, each sorted by itself."""
    at = _keyset(size).read(cursor)
    down = _goes_down(scope, at)
    selects = [_select(branch, scope, at, down, size + 1, details, verdict) for branch in branches(scope.kind)]
    return sql.SQL(" UNION ALL ").join(selects)


def sql_of_ids(scope: Scope, cursor: str = "") -> sql.Composable:
    """The same for a page of `scan_ids`: only what its order needs."""
    at = _keyset(ID_SCAN_SIZE).read(cursor)
    down = _goes_down(scope, at)
    selects = [
        sql.SQL(
            "(SELECT {} AS branch, e.sort_at, {}::text AS operation_id FROM ({}) AS e ORDER BY 2 {way}, {} {way})"
        ).format(
            sql.Literal(branch.name),
            branch.parts.id,
            branch.rows(scope, _after(branch, scope, at, down) if at else sql.SQL("TRUE"), down, ID_SCAN_SIZE + 1),
            branch.key(scope),
            way=sql.SQL("DESC" if down else "ASC"),
        )
        for branch in branches(scope.kind)
    ]
    return sql.SQL(" UNION ALL ").join(selects)


def _keyset(size: int) -> Keyset:
    return Keyset(Key("sort_at", "time"), Key("branch"), Key("operation_id"), size=size)


def _goes_down(scope: Scope, at: Cursor | None) -> bool:
    return is_descending(scope) != (at is not None and at.backward)


def _merged(found: list[dict[str, Any]], down: bool) -> list[dict[str, Any]]:
    """Branches come sorted each; ties go by the branch's name, within a branch as the database sorted them."""
    streams: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        streams.setdefault(row["branch"], []).append(row)
    return list(heapq.merge(*streams.values(), key=lambda row: (row["sort_at"], row["branch"]), reverse=down))


def _select(
    branch: Branch, scope: Scope, at: Cursor | None, down: bool, limit: int, details: bool, verdict: Verdict | None
) -> sql.Composable:
    parts = branch.parts
    after = _after(branch, scope, at, down) if at else sql.SQL("TRUE")
    columns = [sql.SQL("{}, {}").format(parts.facts(), verdict(parts)) if verdict else parts.columns()]
    columns += [parts.details()] if details else []
    # The mark is looked up for the few rows of the page alone.
    return sql.SQL(
        "(SELECT {name} AS branch, e.sort_at, {columns} FROM ({rows}) AS e {mark} "
        "ORDER BY e.sort_at {way}, {key} {way} LIMIT {limit})"
    ).format(
        name=sql.Literal(branch.name),
        columns=sql.SQL(", ").join(columns),
        rows=branch.rows(scope, after, down, limit),
        mark=parts.mark_of_each(),
        way=sql.SQL("DESC" if down else "ASC"),
        key=branch.key(scope),
        limit=sql.Literal(limit),
    )


def _after(branch: Branch, scope: Scope, at: Cursor, down: bool) -> sql.Composable:
    """What comes after the cursor in this branch: one comparison, which an index on both serves."""
    state = state_sql(branch.parts, scope)
    moment, name, last_id = at.values
    given = sql.SQL("{}::timestamptz").format(sql.Literal(moment))
    if branch.name != name:
        comes_later = branch.name < name if down else branch.name > name
        way = ("<=" if down else ">=") if comes_later else ("<" if down else ">")
        return sql.SQL("{} {} {}").format(state.order, sql.SQL(way), given)
    if not branch.parts.source.valid_id(last_id, branch.parts.live):
        raise InvalidInput("cursor", "This page of the list cannot be found: the link is cut. Open the list again.")
    return sql.SQL("({}, {}) {} ({}, {}::{})").format(
        state.order,
        state.key,
        sql.SQL("<" if down else ">"),
        given,
        sql.Literal(last_id),
        sql.SQL("text") if scope.state in FROM_MARKS else branch.parts.id_type,
    )
