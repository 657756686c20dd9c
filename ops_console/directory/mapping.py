"""Which table and columns of the backend's hold its users."""

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from psycopg import sql

_PART = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_]*)')


@dataclass(frozen=True)
class Mapping:
    """Names as the settings give them; `columns` are all that the console's role must be able to read."""

    table: str
    id: str
    email: str
    name: tuple[str, ...]
    tier: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.id, self.email, *self.name, self.tier)

    def select(self) -> sql.Composed:
        """`SELECT id, email, name, tier FROM table`, all as text, whatever the columns' types."""
        name = sql.SQL("concat_ws(' ', {})").format(sql.SQL(", ").join(sql.Identifier(part) for part in self.name))
        return sql.SQL("SELECT {id}::text, {email}::text, {name}, {tier}::text FROM {table}").format(
            id=sql.Identifier(self.id),
            email=sql.Identifier(self.email),
            name=name,
            tier=sql.Identifier(self.tier),
            table=self.table_identifier(),
        )

    def parts(self) -> list[str]:
        """`public."user"` as its schema and name."""
        return [quoted or plain for quoted, plain in _PART.findall(self.table)]

    def table_identifier(self) -> sql.Identifier:
        return sql.Identifier(*self.parts())

    def key(self, column: str) -> sql.Composed:
        """A column as searches compare it. Immutable, so that it can be indexed."""
        return sql.SQL("lower({}::text)").format(sql.Identifier(column))

    def mail_key(self) -> sql.Composed:
        return self.key(self.email)

    def name_key(self) -> sql.Composed:
        """The whole name as searches compare it."""
        parts = [sql.SQL("coalesce({}::text, '')").format(sql.Identifier(part)) for part in self.name]
        return sql.SQL("lower({})").format(sql.SQL(" || ' ' || ").join(parts))


def current() -> Mapping:
    """The mapping in force."""
    given: dict[str, Any] = settings.DIRECTORY
    return Mapping(given["TABLE"], given["ID"], given["EMAIL"], tuple(given["NAME"]), given["TIER"])
