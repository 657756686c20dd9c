"""Reads whose plan the database keeps: for statements that come often and take longer to plan than to run."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, transaction

# On each connection. A plan of the counts over all sources takes the server about 1 MB.
MOST_KEPT = 20


@contextmanager
def prepared_cursor(using: str = DEFAULT_DB_ALIAS) -> Iterator[Any]:
    """A cursor like Django's, whose statements are prepared by the server once they have come a few times.

    Django's own puts every value into the text, and therefore never prepares (`prepare_threshold` in the settings says
    from when on; None is never). A plan is made anew when its tables change or are analysed. Where a column that is
    answered gets another type, a statement fails once; the rollback of its transaction forgets it. So this opens one
    where there is none.
    """
    connection = connections[using]
    with nullcontext() if connection.in_atomic_block else transaction.atomic(using=using):
        connection.ensure_connection()
        connection.connection.prepared_max = MOST_KEPT
        wrap: Any = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
        with wrap(psycopg.Cursor(connection.connection)) as cursor:
            yield cursor
