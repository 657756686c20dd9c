"""Django's connections with a bound on every wait: a database that falls silent must not hang pages and tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ops_client.connections import BoundedConnection

# The server cancels a slow statement itself; this is for the server or network that answers nothing any more.
MARGIN = 1.5


def connection_class(statement_timeout_seconds: float) -> type[BoundedConnection[Any]]:
    """The class for Django's pool. With a timeout of 0, as for migrate, nothing is bounded."""
    patience = statement_timeout_seconds * MARGIN or None
    return type("ConsoleConnection", (BoundedConnection,), {"patience_seconds": patience})


@contextmanager
def without_bound(connection: Any) -> Iterator[None]:
    """For one statement that takes as long as it needs, on Django's `connection`."""
    connection.ensure_connection()
    raw = connection.connection
    before, raw.patience_seconds = raw.patience_seconds, None
    try:
        yield
    finally:
        raw.patience_seconds = before
