"""Django's connections with a bound on every wait: a database that falls silent must not hang pages and tasks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from ops_client.connections import BoundedConnection
from ops_console.runtime import readable_times

T = TypeVar("T")
# The server cancels a slow statement itself; this is for the server or network that answers nothing any more.
MARGIN = 1.5
# A request waits for a connection at most as long as the pool's timeout, and then for the last one's check to end.
POOL_SECONDS = 2.0
CHECK_SECONDS = 1.0


class ConsoleConnection(BoundedConnection[Any]):
    """A connection of Django's pool, which fails its checks in CHECK_SECONDS where the server does not answer."""

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> "ConsoleConnection":
        connection = super().connect(*args, **kwargs)
        readable_times.register(connection)
        return connection

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        # Only the checks of the pool and of Django come this way: everything else uses a cursor.
        self.deadline = time.monotonic() + CHECK_SECONDS
        try:
            return super().execute(*args, **kwargs)
        finally:
            self.deadline = None


def connection_class(statement_timeout_seconds: float) -> type[ConsoleConnection]:
    """The class for Django's pool. With a timeout of 0, as for migrate, no statement is bounded."""
    patience = statement_timeout_seconds * MARGIN or None
    return type("ConsoleConnection", (ConsoleConnection,), {"patience_seconds": patience})


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


class ForeignConnection(ConsoleConnection):
    """A connection on which code of the backend's may run: one that does not answer in time has its session ended.

    Such code can catch the cancelling of a statement, and can switch the server's timeout off.
    """

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status == TransactionStatus.ACTIVE:
                from ops_console.foreign import end_session

                end_session(self.info.backend_pid)
            raise


def foreign_connection_class(statement_timeout_seconds: float) -> type[ForeignConnection]:
    """The class for Django's pool of connections to the backend's tables."""
    patience = statement_timeout_seconds * MARGIN or None
    return type("ForeignConnection", (ForeignConnection,), {"patience_seconds": patience})


def forget_session(connection: psycopg.Connection[Any]) -> None:
    """Take back what code of the backend's may have left in a session before somebody else uses it.

    Statements that we have prepared stay, since they take longer to plan than to run; they are analysed anew under the
    search path that is set again. Where such code has prepared one, perhaps in place of ours, all of them go.
    """
    connection.autocommit = True
    connection.execute("RESET ALL")
    answer = connection.execute(
        "SELECT coalesce(pg_catalog.bool_or(from_sql), false) FROM pg_catalog.pg_prepared_statements"
    )
    if (answer.fetchone() or (True,))[0]:
        connection.execute("DISCARD ALL")
        return
    connection.execute("CLOSE ALL; UNLISTEN *; DISCARD TEMP; SELECT pg_catalog.pg_advisory_unlock_all()")
