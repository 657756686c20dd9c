"""The indexes that searches of the directory use, and which of them the backend's table lacks."""

from psycopg import sql

from ops_console.directory.mapping import Mapping, current
from ops_console.directory.schema import LiveDirectory, live_directory

_TEXTS = ("text", "character varying", "citext")


def text_index(mapping: Mapping) -> str:
    """The name of the index by which parts of mails and names are found."""
    return f"{_table(mapping)}_ops_text"


def wanted_indexes(mapping: Mapping, live: LiveDirectory) -> dict[str, str]:
    """All of them, as SQL by name: whole mails and beginnings, and parts of texts where pg_trgm is installed."""
    found: dict[str, sql.Composable] = {}
    if live.types.get(mapping.tier) in _TEXTS[:2]:
        # A tier that few have is found by it; without, each user of a list is looked up.
        found[f"{_table(mapping)}_ops_tier"] = sql.SQL("({})").format(sql.Identifier(mapping.tier))
    if any(live.types.get(column) not in _TEXTS for column in (mapping.email, *mapping.name)):
        return {name: _create(mapping, name, columns) for name, columns in found.items()}
    found[f"{_table(mapping)}_ops_email"] = _beginnings(mapping.mail_key())
    if live.trigrams:
        trigrams = sql.Identifier(live.trigrams, "gin_trgm_ops")
        found[text_index(mapping)] = sql.SQL("USING gin ({} {ops}, ({}) {ops})").format(
            mapping.mail_key(), mapping.name_key(), ops=trigrams
        )
    else:
        keys = {"name": mapping.name_key(), **{column: mapping.key(column) for column in mapping.name[1:]}}
        found |= {f"{_table(mapping)}_ops_{name}": _beginnings(key) for name, key in keys.items()}
    return {name: _create(mapping, name, columns) for name, columns in found.items()}


def missing_indexes() -> dict[str, str]:
    """Those that are not there or not valid, as SQL by name."""
    mapping = current()
    live = live_directory(mapping)
    return {name: text for name, text in wanted_indexes(mapping, live).items() if name not in live.indexes}


def statements() -> list[str]:
    """What is to be run: an index whose making was interrupted is dropped first."""
    mapping = current()
    live = live_directory(mapping)
    schema = mapping.parts()[:-1]
    dropped = [
        sql.SQL("DROP INDEX CONCURRENTLY {};").format(sql.Identifier(*schema, name)).as_string()
        for name in wanted_indexes(mapping, live)
        if name in live.invalid_indexes
    ]
    return [*dropped, *missing_indexes().values()]


def _table(mapping: Mapping) -> str:
    return mapping.parts()[-1]


def _beginnings(key: sql.Composable) -> sql.Composable:
    # text_pattern_ops serves LIKE 'x%' in every collation.
    return sql.SQL("(({}) text_pattern_ops)").format(key)


def _create(mapping: Mapping, name: str, columns: sql.Composable) -> str:
    statement = sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} {};")
    return statement.format(sql.Identifier(name), mapping.table_identifier(), columns).as_string()
