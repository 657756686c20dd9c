"""What of a scope is not its state: conditions over one source, all of literals, so that sources can be united."""

from collections.abc import Iterator
from uuid import UUID

from psycopg import sql

from incidents.operations.scope import Scope
from incidents.operations.sources.sql import SourceSql
from incidents.operations.sources.states import FROM_MARKS, State, no_mark, silent_for
from ops_client.text import is_storable
from ops_console import directory

_NOBODY = sql.SQL("FALSE")
_FIRST_AND_LAST_UUID = ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")


def conditions(parts: SourceSql, scope: Scope, state: State) -> Iterator[sql.Composable]:
    """The state's condition and one for each filter."""
    yield from served(parts, scope, state)
    yield from looked_up(parts, scope)


def served(parts: SourceSql, scope: Scope, state: State) -> Iterator[sql.Composable]:
    """The state's condition and those of filters that an index serves: few more rows are read than hold them."""
    yield state.condition
    if scope.ids is not None:
        yield _one_of(parts.id, [i for i in scope.ids if parts.source.valid_id(i, parts.live)], parts.id_type)
    yield from _window(scope, state)
    if scope.run is not None:
        yield _of_run(parts, scope.run)
    if scope.state not in FROM_MARKS:
        yield from _of_rows(parts, scope)


def looked_up(parts: SourceSql, scope: Scope, each: bool = False) -> Iterator[sql.Composable]:
    """The other filters' conditions, over the row `e` alone: each row of the state is looked at.

    `each`: of few rows, so that a user's tier is looked up for each of them.
    """
    if scope.state in FROM_MARKS:
        yield from _of_rows(parts, scope)
    if scope.text and not finds_text(parts, scope.text):
        yield _search(parts, scope)
    if scope.group == "":
        yield _is(sql.SQL("coalesce({}, '')").format(parts.error_group), scope.group)
    elif scope.group is not None and not parts.serves_group(scope.state):
        yield _is(parts.error_group, scope.group)
    if scope.attempts:
        yield _tried(parts, scope.attempts)
    if scope.tier:
        yield _of_tier(parts, scope.tier, each)


def _of_rows(parts: SourceSql, scope: Scope) -> Iterator[sql.Composable]:
    """Filters that indexes of the rows' own table serve, and therefore no list that begins at the marks."""
    if scope.owners is not None:
        yield _owned(parts, scope.owners)
    if scope.older_than_seconds and scope.state != "stuck":
        older, fresh = silent_for(parts, scope)
        yield sql.SQL("{} AND {}").format(older, no_mark(parts, fresh))
    if scope.worker:
        yield _is(parts.worker, scope.worker)
    if scope.group and parts.serves_group(scope.state):
        yield _is(parts.error_group, scope.group)
    if scope.text and finds_text(parts, scope.text):
        yield _search(parts, scope)


def _is(expression: sql.Composable | None, value: str) -> sql.Composable:
    return _NOBODY if expression is None else sql.SQL("{} = {}").format(expression, sql.Literal(value))


def _one_of(column: sql.Composable, values: list[str], type_: sql.Composable) -> sql.Composable:
    return sql.SQL("{} = ANY({}::{}[])").format(column, sql.Literal(values), type_)


def _owned(parts: SourceSql, owners: tuple[str, ...]) -> sql.Composable:
    """In the column's own type, so that its index serves."""
    name = parts.source.owner_column
    if not parts.live.readable(name):
        return _NOBODY
    kind = parts.live.columns[name].type
    fitting = [owner for owner in owners if _fits(owner, kind)]
    return _one_of(parts.column(name), fitting, sql.SQL(kind)) if fitting else _NOBODY


def _fits(text: str, kind: str) -> bool:
    try:
        UUID(text) if kind == "uuid" else int(text) if "int" in kind else None
    except ValueError:
        return False
    return is_storable(text)


def finds_text(parts: SourceSql, text: str) -> bool:
    """Whether an index finds what a search for the text means."""
    return parts.serves_titles or _is_id(parts, text)


def _is_id(parts: SourceSql, text: str) -> bool:
    return parts.source.valid_id(text, parts.live) and parts.live.columns[parts.source.id_column].type == "uuid"


def _search(parts: SourceSql, scope: Scope) -> sql.Composable:
    """An id is looked up as one; else a part of the title, the beginning of an id, or somebody's mail."""
    if _is_id(parts, scope.text):
        return _one_of(parts.id, [scope.text], parts.id_type)
    title, escaped = parts.text(parts.source.title_column), _escaped(scope.text)
    found = [sql.SQL("{} ILIKE {}").format(title, sql.Literal(f"%{escaped}%")), *id_begins(parts, scope.text.lower())]
    if scope.text_owners:
        found.append(_owned(parts, scope.text_owners))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(found))


def id_begins(parts: SourceSql, text: str) -> Iterator[sql.Composable]:
    """Ids that begin so; of UUIDs a range, which the primary key serves."""
    if parts.live.columns[parts.source.id_column].type != "uuid":
        yield sql.SQL("{}::text LIKE {}").format(parts.id, sql.Literal(f"{_escaped(text)}%"))
        return
    first, last = (text + uuid[len(text) :] for uuid in _FIRST_AND_LAST_UUID)
    if parts.source.valid_id(first, parts.live) and str(UUID(first)) == first:
        yield sql.SQL("{} BETWEEN {}::uuid AND {}::uuid").format(parts.id, sql.Literal(first), sql.Literal(last))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _window(scope: Scope, state: State) -> Iterator[sql.Composable]:
    if scope.since:
        yield sql.SQL("{} >= {}::timestamptz").format(state.order, sql.Literal(scope.since))
    if scope.until:
        yield sql.SQL("{} < {}::timestamptz").format(state.order, sql.Literal(scope.until))


def _tried(parts: SourceSql, least: int) -> sql.Composable:
    if parts.worker is not None:
        return sql.SQL("{} >= {}").format(parts.attempts, sql.Literal(least))
    return sql.SQL(
        "EXISTS (SELECT FROM ops_sources.mark AS f "
        "WHERE f.kind = {} AND f.operation_id = {}::text AND f.attempts >= {})"
    ).format(parts.kind, parts.id, sql.Literal(least))


def _of_tier(parts: SourceSql, tier: str, each: bool) -> sql.Composable:
    """As the row keeps it; else the directory knows the owner's."""
    name = parts.source.owner_column
    if not parts.live.readable(name):
        return _NOBODY
    by_owner = directory.in_tier(parts.column(name), parts.live.columns[name].type, tier, each)
    if parts.tier is None:
        return by_owner
    kept = sql.SQL("{} = {}").format(parts.tier, sql.Literal(tier))
    return sql.SQL("({} OR ({} = '' AND {}))").format(kept, parts.tier, by_owner)


def _of_run(parts: SourceSql, run: int) -> sql.Composable:
    """What an action meant: its frozen chunks hold the ids."""
    return sql.SQL(
        "{id} IN (SELECT unnest(c.operation_ids)::{type} FROM ops_sources.chunk AS c "
        "WHERE c.action_id = {run} AND c.kind = {kind})"
    ).format(id=parts.id, type=parts.id_type, run=sql.Literal(run), kind=parts.kind)
