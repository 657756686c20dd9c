"""A limit for reads that a missing index can make long: the page answers, and says what was not found in time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg import sql
from psycopg.types.datetime import TimestamptzLoader

from ops_console import foreign
from ops_console.prepared import prepared_cursor
from ops_console.query_timeout import TooSlow, also_limited
from ops_console.query_timeout import limited as limited_on

__all__ = ["COUNT_MS", "LIST_MS", "TooSlow", "limited", "rows"]

LIST_MS = 10_000
COUNT_MS = 1_500


class _UtcLoader(TimestamptzLoader):
    """The moment that is meant, in UTC; Django's own takes whatever zone the session has for UTC."""

    def load(self, data: Any) -> datetime:
        return super().load(data).astimezone(UTC)


@contextmanager
def limited(milliseconds: int, what: str, in_order: bool = False) -> Iterator[None]:
    """`query_timeout.limited` for the connection on which operations are read. Raises ForeignUnavailable too."""
    foreign.opened()
    with limited_on(milliseconds, what, in_order, using=foreign.ALIAS):
        yield


def rows(statement: sql.Composable, comes_again: bool = False) -> list[dict[str, Any]]:
    """The rows of a statement of literals alone: nothing in it is a parameter.

    One that `comes_again` is planned once; it wants a transaction around it (`ops_console.prepared`).
    """
    foreign.opened()
    asked = prepared_cursor(foreign.ALIAS) if comes_again else foreign.cursor()
    with also_limited(foreign.ALIAS), asked as cursor:
        cursor.adapters.register_loader("timestamptz", _UtcLoader)
        cursor.execute(statement)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
