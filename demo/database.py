"""The backend's own tables: a pool that gives up quickly, so that no request hangs on the database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, DataError, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from demo.dsn import connection_info

POOL_TIMEOUT_SECONDS = 0.5
# A pool that backs off for minutes would stay away for minutes after the database is back.
RECONNECT_SECONDS = 2.0
OPTIONS = "-c statement_timeout=5000 -c lock_timeout=1000 -c idle_in_transaction_session_timeout=10000"

Params = Mapping[str, Any]


class DatabaseAway(Exception):
    """The database did not answer in time."""


class Unstorable(Exception):
    """A value that the database cannot hold, a NUL in a text for instance."""


class Database:
    """Runs statements on a pool; every method raises DatabaseAway when no answer comes in time, or Unstorable."""

    def __init__(self, conninfo: str) -> None:
        self._pool: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            connection_info(conninfo, options=OPTIONS, connect_timeout="2", application_name="podcast-api"),
            connection_class=Connection[DictRow],
            kwargs={"row_factory": dict_row},
            min_size=1,
            max_size=10,
            timeout=POOL_TIMEOUT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            check=ConnectionPool.check_connection,
            open=False,
        )

    def open(self) -> None:
        """Start connecting, without waiting for it."""
        self._pool.open(wait=False)

    def close(self) -> None:
        self._pool.close()

    def fetch(self, statement: str, params: Params | None = None) -> list[DictRow]:
        with self.transaction() as connection:
            return connection.execute(statement, params).fetchall()

    def execute(self, statement: str, params: Params | None = None) -> int:
        """Number of rows changed."""
        with self.transaction() as connection:
            return connection.execute(statement, params).rowcount

    @contextmanager
    def transaction(self) -> Iterator[Connection[DictRow]]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except (OperationalError, PoolTimeout) as error:
            raise DatabaseAway(str(error)) from error
        except DataError as error:
            raise Unstorable(str(error)) from error
