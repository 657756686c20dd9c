"""The indexes that lists of a source are served by, and which of them are missing."""

from psycopg import sql

from incidents.operations.sources.base import Source
from incidents.operations.sources.schema import LiveTable, live_table
from incidents.operations.sources.sql import SourceSql

_STATES = ("in_progress", "waiting", "failed")
_TEXTS = ("text", "character varying")
_NOTHING = sql.SQL("")


def wanted_indexes(source: Source, live: LiveTable) -> dict[str, str]:
    """All of them, as SQL by name. One of ours is never missing: the migrations make them."""
    if source.schema == "ops":
        return {}
    parts = SourceSql(source, live, alias="")
    states = [state for state in _STATES if source.statuses(state, live)]
    if source.stuck_when_waiting:
        states.append("stuck")
    found = {f"{source.table}_ops_{state}": _by_age(parts, state) for state in states}
    if live.readable(source.owner_column):
        found[f"{source.table}_ops_owner"] = _by_owner(parts, states)
    if source.error_text and all(map(live.readable, filter(None, (source.meta_column, *source.error_columns)))):
        found[f"{source.table}_ops_group"] = _by_group(parts, states)
    if live.trigrams and live.readable(source.title_column) and live.columns[source.title_column].type in _TEXTS:
        found[f"{source.table}_ops_title"] = _by_title(parts, states)
    return found | _beside(source)


def missing_indexes(source: Source, live: LiveTable) -> dict[str, str]:
    """Those of them that are not there, or not valid."""
    there = live.indexes | (live_table(*source.beside[:2]).indexes if source.beside else frozenset())
    return {name: text for name, text in wanted_indexes(source, live).items() if name not in there}


def invalid_indexes(source: Source, live: LiveTable) -> list[str]:
    """SQL to drop those of them whose making was broken off."""
    names = [name for name in wanted_indexes(source, live) if name in live.invalid_indexes]
    return [
        sql.SQL("DROP INDEX CONCURRENTLY {};").format(sql.Identifier(source.schema, name)).as_string() for name in names
    ]


def _by_age(parts: SourceSql, state: str) -> str:
    name = f"{parts.source.table}_ops_{state}"
    columns = sql.SQL("({}), {}").format(parts.age, parts.id)
    # With the bare column in it, the index alone answers how many there are.
    bare = parts.column(parts.source.age_column)
    return _create(name, parts.table, columns, parts.of_state(state), sql.SQL(" INCLUDE ({})").format(bare))


def _by_owner(parts: SourceSql, states: list[str]) -> str:
    name = f"{parts.source.table}_ops_owner"
    columns = sql.SQL("{}, ({}), {}").format(parts.column(parts.source.owner_column), parts.age, parts.id)
    return _create(name, parts.table, columns, _in_any(parts, states))


def _by_group(parts: SourceSql, states: list[str]) -> str:
    """For what failed of one error: without it, the error of every row of a state is read and compared."""
    name = f"{parts.source.table}_ops_group"
    columns = sql.SQL("({}), ({}), {}").format(parts.error_group, parts.age, parts.id)
    return _create(name, parts.table, columns, _in_any(parts, states))


def _by_title(parts: SourceSql, states: list[str]) -> str:
    """For a part of a title: without it, a search reads every row of its state."""
    column, kind = parts.column(parts.source.title_column), sql.Identifier(parts.live.trigrams, "gin_trgm_ops")
    name = f"{parts.source.table}_ops_title"
    return _create(name, parts.table, sql.SQL("{} {}").format(column, kind), _in_any(parts, states), method="gin")


def _in_any(parts: SourceSql, states: list[str]) -> sql.Composable:
    return sql.SQL(" OR ").join(parts.in_statuses(state) for state in states)


def _beside(source: Source) -> dict[str, str]:
    """What `unless` looks up for every row."""
    if source.beside is None or source.lacks_beside():
        return {}
    schema, table, (*keys, flag) = source.beside
    name = f"{table}_ops_{flag}"
    columns = sql.SQL(", ").join(map(sql.Identifier, keys))
    return {name: _create(name, sql.Identifier(schema, table), columns, sql.Identifier(flag))}


def _create(
    name: str,
    table: sql.Composable,
    columns: sql.Composable,
    where: sql.Composable,
    more: sql.Composable = _NOTHING,
    method: str = "btree",
) -> str:
    using = _NOTHING if method == "btree" else sql.SQL("USING {} ").format(sql.SQL(method))
    statement = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} {}({}){} WHERE {};")
    return statement.format(sql.Identifier(name), table, using, columns, more, where).as_string()
