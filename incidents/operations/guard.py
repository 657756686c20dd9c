"""A limit for reads that a missing index can make long: the page answers, and says what was not found in time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from psycopg import sql
from psycopg.errors import QueryCanceled
from psycopg.types.datetime import TimestamptzLoader

from ops_console.errors import ConsoleError
from ops_console.prepared import prepared_cursor

LIST_MS = 10_000
COUNT_MS = 1_500


class TooSlow(ConsoleError):
    """The database was not done in time."""

    status = 503
    code = "too_slow"


class _UtcLoader(TimestamptzLoader):
    """The moment that is meant, in UTC; Django's own takes whatever zone the session has for UTC."""

    def load(self, data: Any) -> datetime:
        return super().load(data).astimezone(UTC)


@contextmanager
def limited(milliseconds: int, what: str) -> Iterator[None]:
    """Statements inside end after so long. Raises TooSlow, which says that `what` was not found in time."""
    inside_another = connection.in_atomic_block
    try:
        with transaction.atomic():
            before = _set_timeout(f"{milliseconds}ms")
            yield
            if inside_another:
                _set_timeout(before)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise TooSlow(f"{what} was not found within {milliseconds / 1000:.3g} s.") from error


def rows(statement: sql.Composable, comes_again: bool = False) -> list[dict[str, Any]]:
    """The rows of a statement of literals alone: nothing in it is a parameter.

    One that `comes_again` is planned once; it wants a transaction around it (`ops_console.prepared`).
    """
    with prepared_cursor() if comes_again else connection.cursor() as cursor:
        cursor.adapters.register_loader("timestamptz", _UtcLoader)
        cursor.execute(statement)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _set_timeout(value: str) -> str:
    """Until the transaction ends; what it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)", [value]
        )
        before: str = cursor.fetchone()[0]
        return before
