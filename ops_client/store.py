"""The way to the shared database: named statements in, rows out. Nothing else in the client knows psycopg."""

import select
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from ops_client.dsn import normalised, redact
from ops_client.errors import StoreLate, StoreRefused, StoreUnavailable
from ops_client.sql import statements

Row = dict[str, Any]
T = TypeVar("T")
REVISION_CHANNEL = "ops_revision"

# A server that vanished without a word is noticed in about this time, not after the kernel's two hours.
_KEEPALIVE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
    "connect_timeout": 2,
}
_SERVER_KEEPALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
# In a failover the server that answers may not write yet.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, errors.ReadOnlySqlTransaction)
# A backend that is deployed before the console's migrations must start, and follow once they have run.
_NO_CONTRACT = (
    errors.InvalidSchemaName,
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.InsufficientPrivilege,
)
# Numbers out of range, constraints, text that is no UTF-8, rows too long for an index: caused by what was sent.
_REFUSED = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.NotSupportedError,
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
    errors.RaiseException,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
)


class Store(Protocol):
    """What the client needs of a database. `ops_client.testing.MemoryStore` is one without."""

    def fetch(self, name: str, *, within_seconds: float | None = None, **params: Any) -> list[Row]:
        """Run the named statement and return its rows. Raises StoreUnavailable, and StoreLate when time was up.

        A statement that was late may be carried out all the same. Raises StoreRefused where the database, or the
        driver, cannot take the parameters.
        """

    def execute(self, name: str, **params: Any) -> int:
        """Run the named statement and return how many rows it touched. Raises StoreUnavailable, StoreRefused."""

    def snapshot(self, names: Iterable[str]) -> dict[str, list[Row]]:
        """Several reads of one moment: all see the same committed state. Raises StoreUnavailable."""

    def wait_for_revision(self, timeout_seconds: float) -> bool:
        """Wait until the configuration may have changed; False when nothing was heard. Raises StoreUnavailable."""

    def listen_anew(self) -> None:
        """The connection that listens has missed a change: wait on another one from now on."""

    def identify(self, instance_id: uuid.UUID) -> None:
        """Have the session that listens stand for this process: when it ends, the process is known to be gone."""

    @property
    def has_session(self) -> bool:
        """Whether a session stands for this process at the moment."""

    def close(self) -> None: ...


class _Connection(psycopg.Connection[Row]):
    """A connection that waits for no answer beyond `deadline` (monotonic seconds), where there is one."""

    deadline: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if self.deadline is not None:
            timeout = max(0.0, self.deadline - time.monotonic())
        return super().wait(gen, interval, timeout)


class PostgresStore:
    """A small pool for statements and one connection that listens.

    `statement_timeout_seconds` is kept by the server, and so bounds the wait on one that is slow. A single statement is
    given up after half as long again: the server is frozen, or the line dead without having been closed. A server that
    is gone is also noticed by keep-alives over TCP.
    """

    def __init__(self, dsn: str, *, pool_size: int = 4, statement_timeout_seconds: float = 5.0) -> None:
        self._dsn = normalised(dsn)
        self._patience_seconds = statement_timeout_seconds * 1.5
        self._settings = {
            **_KEEPALIVE,
            "application_name": "ops_client",
            "options": f"-c statement_timeout={int(statement_timeout_seconds * 1000)} -c timezone=UTC",
        }
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            self._dsn,
            connection_class=_Connection,
            kwargs={**self._settings, "autocommit": True, "row_factory": dict_row},
            min_size=1,
            max_size=pool_size,
            timeout=2.0,
            max_idle=60,
            reconnect_timeout=0,
            check=_check,
            open=False,
            name="ops_client",
        )
        self._listener: psycopg.Connection[Any] | None = None
        self._instance_id: uuid.UUID | None = None
        self._has_session = False

    def fetch(self, name: str, *, within_seconds: float | None = None, **params: Any) -> list[Row]:
        return self._run(psycopg.Cursor[Row].fetchall, name, params, within_seconds)

    def execute(self, name: str, **params: Any) -> int:
        return self._run(_row_count, name, params)

    def _run(
        self,
        result: Callable[[psycopg.Cursor[Row]], T],
        name: str,
        params: Mapping[str, Any],
        within_seconds: float | None = None,
    ) -> T:
        with self._connection(within_seconds, self._patience_seconds) as connection:
            try:
                return result(connection.execute(statements()[name].encode(), _adapted(params)))
            except _NO_CONTRACT:
                raise
            except _REFUSED as error:
                # Only the first line: a DETAIL holds the row, which may be anybody's data.
                reason = next(iter(str(error).splitlines()), "")
                raise StoreRefused(f"The shared database refused {name}: {type(error).__name__}: {reason}") from error

    def snapshot(self, names: Iterable[str]) -> dict[str, list[Row]]:
        with self._connection() as connection, connection.transaction():
            # Under READ COMMITTED each read would see its own moment, and a snapshot could be torn.
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return {name: connection.execute(statements()[name].encode()).fetchall() for name in names}

    @contextmanager
    def transaction(self) -> Iterator["Transaction"]:
        """Several statements that commit together. Raises StoreUnavailable."""
        with self._connection() as connection, connection.transaction():
            yield Transaction(connection)

    def wait_for_revision(self, timeout_seconds: float) -> bool:
        try:
            if self._listener is None:
                self._start_listening()
                return True  # what changed before this moment was not heard
            return next(self._listener.notifies(timeout=timeout_seconds, stop_after=1), None) is not None
        except (*_AWAY, *_NO_CONTRACT) as error:
            self._drop_listener()
            raise StoreUnavailable(f"The listening connection was lost: {redact(str(error))}") from error

    def listen_anew(self) -> None:
        self._drop_listener()

    def identify(self, instance_id: uuid.UUID) -> None:
        self._instance_id = instance_id

    @property
    def has_session(self) -> bool:
        return self._has_session

    def close(self) -> None:
        self._drop_listener()
        self._pool.close(timeout=1.0)

    @contextmanager
    def _connection(
        self, within_seconds: float | None = None, patience_seconds: float | None = None
    ) -> Iterator[psycopg.Connection[Row]]:
        bound = patience_seconds if within_seconds is None else within_seconds
        deadline = None if bound is None else time.monotonic() + bound
        try:
            if self._pool.closed:
                self._pool.open()
            with self._pool.connection(within_seconds) as connection:
                connection.deadline = deadline
                try:
                    yield connection
                finally:
                    connection.deadline = None
        except _AWAY as error:
            if deadline is not None and time.monotonic() >= deadline:
                raise StoreLate(f"The shared database did not answer within {bound:g} s.") from error
            raise StoreUnavailable(f"The shared database did not answer: {redact(str(error))}") from error
        except _NO_CONTRACT as error:
            raise StoreUnavailable(f"The contract ops_v1 is not there for this role: {error}") from error

    def _start_listening(self) -> None:
        self._listener = psycopg.connect(self._dsn, autocommit=True, **self._settings)  # type: ignore[arg-type]
        if self._instance_id is not None:
            # The server, too, has to notice a host that vanished: the session stands for this process.
            self._listener.execute(_SERVER_KEEPALIVE)
            held = self._listener.execute(statements()["hold_session"].encode(), {"id": self._instance_id}).fetchone()
            self._has_session = bool(held and held[0])
        self._listener.execute(f"LISTEN {REVISION_CHANNEL}")

    def _drop_listener(self) -> None:
        self._has_session = False
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class Transaction:
    """Named statements inside one transaction of a PostgresStore."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def fetch(self, name: str, **params: Any) -> list[Row]:
        return self._connection.execute(statements()[name].encode(), _adapted(params)).fetchall()

    def execute(self, name: str, **params: Any) -> int:
        return self._connection.execute(statements()[name].encode(), _adapted(params)).rowcount


def _row_count(cursor: psycopg.Cursor[Row]) -> int:
    return cursor.rowcount


def _check(connection: psycopg.Connection[Any]) -> None:
    """Raise when the server has hung up since the connection was last used: seen on the socket, without asking it."""
    readable = select.poll()
    readable.register(connection.pgconn.socket, select.POLLIN)
    while readable.poll(0):
        connection.pgconn.consume_input()
        if connection.pgconn.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection was closed")


def _adapted(params: Mapping[str, Any]) -> dict[str, Any]:
    """Dictionaries, and lists of them, go to JSON columns; other lists are arrays."""
    return {key: Jsonb(value) if _is_json(value) else value for key, value in params.items()}


def _is_json(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
