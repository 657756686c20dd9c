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

    def table_identifier(self) -> sql.Identifier:
        """`public."user"` as an identifier in its parts."""
        return sql.Identifier(*[(quoted or plain) for quoted, plain in _PART.findall(self.table)])


def current() -> Mapping:
    """The mapping in force."""
    given: dict[str, Any] = settings.DIRECTORY
    return Mapping(given["TABLE"], given["ID"], given["EMAIL"], tuple(given["NAME"]), given["TIER"])
