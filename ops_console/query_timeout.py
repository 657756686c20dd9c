"""Time limits for reads that a missing index or a lock can make long."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from ops_console.errors import ConsoleError


class TooSlow(ConsoleError):
    """The database did not answer in time."""

    status = 503
    code = "too_slow"


@contextmanager
def limited(milliseconds: int, what: str) -> Iterator[None]:
    """Each statement inside ends after so long. Raises TooSlow, which says that `what` was not found in time."""
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


def _set_timeout(value: str) -> str:
    """Set the limit until the transaction ends. Returns the previous one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)", [value]
        )
        before: str = cursor.fetchone()[0]
        return before
