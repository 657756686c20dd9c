"""Reads of the directory: by id, many by id, and by what an operator types."""

import re
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import ProgrammingError, transaction
from psycopg import sql

from ops_console import foreign
from ops_console.directory.indexes import text_index
from ops_console.directory.mapping import current
from ops_console.directory.schema import live_directory
from ops_console.errors import ConsoleError
from ops_console.foreign import ForeignUnavailable
from ops_console.query_timeout import also_limited

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_TIERS_FROM_ROWS = 20_000
_MOST_TIERS = 100
_LONGEST_TIER = 50
# How the database writes an id as text, so that a text is compared as one.
_WRITTEN = {"uuid": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "bigint": "^(0|-?[1-9][0-9]{0,17})$"}
_BIGINT = re.compile(r"[0-9]{1,18}")
# The most people that are compared with each other; and the shortest text that an index of parts of texts serves.
_CANDIDATES, _TRIGRAM = 200, 3


@dataclass(frozen=True)
class Person:
    """A user of the backend. `tier` may be empty where the backend knows none."""

    id: str
    email: str
    name: str
    tier: str


class DirectoryUnavailable(ConsoleError):
    """The mapped table cannot be read: it is missing, renamed, or not granted."""

    status = 503
    code = "directory_unavailable"


def get(user_id: str) -> Person | None:
    """The user with this id, or None. Any text may be asked for; one that is no id simply finds nobody."""
    return get_many([user_id]).get(user_id)


def get_many(user_ids: Iterable[str]) -> dict[str, Person]:
    """Users by id, in one query; ids that nobody has are left out. Raises DirectoryUnavailable."""
    ids = sorted(set(user_ids))
    if not ids:
        return {}
    # The column is compared in its own type, so that its index serves.
    column_type = _id_type()
    condition = sql.SQL("WHERE {id} = ANY(%s::{type}[])").format(
        id=sql.Identifier(current().id), type=sql.SQL(column_type)
    )
    fitting = [given for given in ids if _fits(given, column_type)]
    return {person.id: person for person in _people(condition, [fitting])} if fitting else {}


def named(texts: Iterable[str]) -> dict[str, Person]:
    """Users by what somebody wrote for them, an id or a whole mail address, in two queries however many they are.

    Texts that name nobody are left out. Raises DirectoryUnavailable.
    """
    wanted = {text for text in texts if text and "\x00" not in text}
    by_id = get_many({text.lower() for text in wanted} | wanted)
    mails = sorted({text.lower() for text in wanted if "@" in text})
    condition = sql.SQL("WHERE lower({email}) = ANY(%s)").format(email=sql.Identifier(current().email))
    by_mail = {person.email.lower(): person for person in _people(condition, [mails])} if mails else {}
    found = {text: by_id.get(text) or by_id.get(text.lower()) or by_mail.get(text.lower()) for text in wanted}
    return {text: person for text, person in found.items() if person}


def find(text: str, limit: int = 20) -> list[Person]:
    """Users whose id is, or whose mail or name holds, the text; the best first. Raises DirectoryUnavailable.

    In a large table without the index for parts of texts, only beginnings of mails and names are found.
    """
    wanted = text.strip().replace("\x00", "").lower()
    if not wanted:
        return []
    as_typed = text.strip().replace("\x00", "")
    exact = get_many({as_typed, wanted})
    if exact:
        return [exact.get(as_typed) or exact[wanted]]
    found = {person.id: person for person in _candidates(wanted, max(limit, _CANDIDATES))}
    return sorted(found.values(), key=lambda person: _rank(person, wanted))[:limit]


def _candidates(wanted: str, most: int) -> list[Person]:
    """People who may be meant, in one statement. Each way to match is limited, since parts of texts match very many."""
    mapping = current()
    live = live_directory(mapping)
    beginning = wanted.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    ways: list[tuple[list[sql.Composable], str]]
    ways = [([mapping.mail_key()], beginning), ([mapping.name_key()], beginning)]
    if not live.small and text_index(mapping) not in live.indexes:
        ways += [([mapping.key(column)], beginning) for column in mapping.name[1:]]
    else:
        ways.append(([mapping.name_key()], "% " + beginning))
        if live.small or len(wanted) >= _TRIGRAM:
            ways.append(([mapping.mail_key(), mapping.name_key()], "%" + beginning))
    statement = sql.SQL(" UNION ALL ").join(
        sql.SQL("({} WHERE {} LIMIT %s)").format(
            mapping.select(), sql.SQL(" OR ").join(sql.SQL("{} LIKE %s").format(key) for key in keys)
        )
        for keys, _ in ways
    )
    params = [given for keys, pattern in ways for given in (*[pattern] * len(keys), most)]
    return _persons(_rows(statement, params))


def _rank(person: Person, wanted: str) -> tuple[int, int, str, str]:
    """Whole mails first, then whole words of mail or name, then their beginnings, then parts; short mails first."""
    mail, words = person.email.lower(), re.split(r"[\s.@_+-]+", f"{person.email} {person.name}".lower())
    name = " ".join(person.name.lower().split())
    kinds = [mail == wanted, name == wanted or mail.partition("@")[0] == wanted, wanted in words]
    kinds += [mail.startswith(wanted) or any(word.startswith(wanted) for word in words)]
    best = kinds.index(True) if True in kinds else len(kinds)
    return best, len(mail), mail, person.id


def tiers() -> list[str]:
    """The tiers that users have, by name. Raises DirectoryUnavailable.

    Exact for small directories. A larger one is not read whole: beyond its first rows, the database's statistics name
    the tiers that are common.
    """
    mapping = current()
    statement = sql.SQL(
        'SELECT DISTINCT tier COLLATE "C" FROM ('
        "(SELECT {tier}::text AS tier FROM {table} LIMIT %s) UNION ALL"
        " SELECT unnest(most_common_vals::text::text[]) FROM pg_stats WHERE attname = %s"
        " AND to_regclass(format('%%I.%%I', schemaname, tablename)) = %s::regclass"
        ") AS found WHERE length(tier) BETWEEN 1 AND %s ORDER BY 1 LIMIT %s"
    ).format(tier=sql.Identifier(mapping.tier), table=mapping.table_identifier())
    rows = _rows(statement, [_TIERS_FROM_ROWS, mapping.tier, mapping.table, _LONGEST_TIER, _MOST_TIERS])
    return [tier for (tier,) in rows]


def in_tier(user_id: sql.Composable, id_type: str, tier: str, each: bool = False) -> sql.Composable:
    """A condition, in SQL of literals alone: the user of this id, a column of this type, is in the tier.

    Compared in the type of the directory's ids, so that their index serves. What is no such id, as it would be written
    there, is nobody's. `each`: by this index for each row that is asked about; else the planner may begin with the
    users of the tier.
    """
    mapping, column_type = current(), _id_type()
    if id_type != column_type:
        user_id = sql.SQL("{}::text").format(user_id)
        if written := _WRITTEN.get(column_type):
            user_id = sql.SQL("CASE WHEN {given} ~ {written} THEN {given}::{type} END").format(
                given=user_id, written=sql.Literal(written), type=sql.SQL(column_type)
            )
    return sql.SQL(
        "EXISTS (SELECT FROM {table} AS d WHERE d.{id} = {given} AND d.{tier}::text = {wanted} {alone})"
    ).format(
        table=mapping.table_identifier(),
        id=sql.Identifier(mapping.id),
        given=user_id,
        tier=sql.Identifier(mapping.tier),
        wanted=sql.Literal(tier),
        alone=sql.SQL("OFFSET 0" if each else ""),
    )


def _people(condition: sql.Composable, params: Sequence[Any]) -> list[Person]:
    return _persons(_rows(current().select() + sql.SQL(" ") + condition, params))


def _persons(rows: Iterable[tuple[Any, ...]]) -> list[Person]:
    return [Person(*(value or "" for value in row)) for row in rows]


def _rows(statement: sql.Composable, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    try:
        # A savepoint: a table that cannot be read must not spoil the caller's transaction, where there is one.
        here = foreign.opened()
        savepoint = transaction.atomic(using=foreign.ALIAS) if here.in_atomic_block else nullcontext()
        with also_limited(foreign.ALIAS), savepoint, here.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchall()
    except ForeignUnavailable as error:
        raise DirectoryUnavailable(error.message) from error
    except ProgrammingError as error:
        raise DirectoryUnavailable(f"The directory cannot be read: {error}".strip()) from error


@cache
def _id_type() -> str:
    """The id column's type: uuid, bigint or text. Asked once a process; it does not change under a running system."""
    mapping = current()
    rows = _rows(
        sql.SQL("SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s"),
        [mapping.table, mapping.id],
    )
    found = rows[0][0] if rows else ""
    if found in {"uuid", "text"}:
        return str(found)
    return "bigint" if found in {"smallint", "integer", "bigint"} else "text"


def _fits(given: str, column_type: str) -> bool:
    """Whether a text can be an id at all: what cannot be is nobody's, and no error."""
    if "\x00" in given:
        return False
    if column_type == "uuid":
        return bool(_UUID.fullmatch(given))
    return column_type == "text" or bool(_BIGINT.fullmatch(given))
