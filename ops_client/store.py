"""Access to the shared database: named statements in, rows out. No other module of the client uses psycopg."""

import select
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus
from psycopg.rows import dict_row, tuple_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from ops_client.connections import KEEPALIVE, BoundedConnection, is_pooled
from ops_client.dsn import normalised, parameters, redact
from ops_client.errors import CannotListen, StoreBusy, StoreLate, StoreRefused, StoreUnavailable
from ops_client.sql import statements

Row = dict[str, Any]
T = TypeVar("T")
REVISION_CHANNEL = "ops_revision"
# Statements whose rows are named and have digests: what reads the digests, and what reads rows by name.
_DIGESTED = {"flags": ("flag_digests", "flags_named")}
_NOT_KEPT: tuple[int | None, Row] = (None, {})

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

        A statement that was late may be carried out all the same. Raises StoreBusy where another transaction holds the
        row for longer than the statement waits, and StoreRefused where the database, or the
        driver, cannot take the parameters.
        """

    def execute(self, name: str, **params: Any) -> int:
        """Run the named statement and return how many rows it touched. Raises StoreUnavailable, StoreRefused."""

    def snapshot(self, names: Iterable[str]) -> dict[str, list[Row]]:
        """Several reads of one moment: all see the same committed state. Raises StoreUnavailable."""

    def wait_for_revision(self, timeout_seconds: float) -> bool:
        """Wait until the configuration may have changed; False when nothing was heard.

        Raises StoreUnavailable, and CannotListen where there is no direct way to the server.
        """

    def listen_anew(self) -> None:
        """The connection that listens has missed a change: wait on another one from now on."""

    def identify(self, instance_id: uuid.UUID) -> None:
        """Have the session that listens stand for this process: when it ends, the process is known to be gone."""

    @property
    def has_session(self) -> bool:
        """Whether a session stands for this process at the moment."""

    def close(self) -> None: ...


class _Connection(BoundedConnection[Row]):
    """`pooled`: each transaction may run in another session of the server, so nothing may be left in a session."""

    pooled = False


class PostgresStore:
    """A small pool for statements and one connection that listens.

    `statement_timeout_seconds` is kept by the server, and so bounds the wait on a statement that is slow. The client
    gives up after half as long again: the server is frozen, or the network is silent.

    `pooled` says whether a transaction pooler such as PgBouncer stands in between; None finds out at each connection.
    Through one, nothing is prepared, time limits are set in each transaction, and only `direct_dsn` can be listened on.
    """

    def __init__(
        self,
        dsn: str,
        *,
        direct_dsn: str = "",
        pooled: bool | None = None,
        pool_size: int = 4,
        statement_timeout_seconds: float = 5.0,
    ) -> None:
        self._dsn = normalised(dsn)
        self._listen_dsn = normalised(direct_dsn, "direct_dsn") if direct_dsn else self._dsn
        self._pooled = pooled
        self._listener_pooled = None if direct_dsn else pooled
        self._patience_seconds = statement_timeout_seconds * 1.5
        self._limits = f"statement_timeout = {int(statement_timeout_seconds * 1000)}", "timezone = 'UTC'"
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            self._dsn,
            connection_class=_Connection,
            kwargs=_settings(self._dsn),
            min_size=1,
            max_size=pool_size,
            timeout=2.0,
            max_idle=60,
            reconnect_timeout=0,
            configure=self._configure,
            check=_check,
            open=False,
            name="ops_client",
        )
        self._listener: _Connection | None = None
        self._kept: dict[str, dict[str, tuple[int | None, Row]]] = {}
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
        with self._statement(within_seconds) as connection:
            try:
                return result(connection.execute(statements()[name].encode(), _adapted(params)))
            except _NO_CONTRACT:
                raise
            except _REFUSED as error:
                # Only the first line: a DETAIL holds the row, which may be anybody's data.
                reason = next(iter(str(error).splitlines()), "")
                raise StoreRefused(f"The shared database refused {name}: {type(error).__name__}: {reason}") from error

    def snapshot(self, names: Iterable[str]) -> dict[str, list[Row]]:
        # Under READ COMMITTED each read would see its own moment, and a snapshot could be torn.
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") as connection:
            return {name: self._rows(connection, name) for name in names}

    def _rows(self, connection: psycopg.Connection[Row], name: str) -> list[Row]:
        """The rows of one statement; where rows have digests, those that are kept are not read again.

        A row is kept under its digest, which depends on what the row says alone: whatever was committed meanwhile and
        in whatever order, what is put together here is what a full read in the same transaction would give.
        """
        if name not in _DIGESTED:
            return connection.execute(statements()[name].encode()).fetchall()
        of_digests, of_names = _DIGESTED[name]
        with connection.cursor(row_factory=tuple_row) as cursor:
            digests: dict[str, int] = dict(cursor.execute(statements()[of_digests].encode()).fetchall())
        kept = self._kept.get(name, {})
        wanted = [row_name for row_name, digest in digests.items() if digest != kept.get(row_name, _NOT_KEPT)[0]]
        if len(wanted) > len(digests) // 2:
            read = connection.execute(statements()[name].encode()).fetchall()
        else:
            read = connection.execute(statements()[of_names].encode(), {"names": wanted}).fetchall() if wanted else []
        rows = {row_name: row for row_name, (_, row) in kept.items()} | {row["name"]: row for row in read}
        self._kept[name] = {row_name: (digest, rows[row_name]) for row_name, digest in digests.items()}
        return [row for _, row in self._kept[name].values()]

    @contextmanager
    def transaction(self) -> Iterator["Transaction"]:
        """Several statements that commit together. Raises StoreUnavailable."""
        with self._transaction() as connection:
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
    def _statement(self, within_seconds: float | None = None) -> Iterator[_Connection]:
        """A connection for one statement, within its time all in all. Raises StoreUnavailable and StoreLate."""
        with self._connection(within_seconds, self._patience_seconds) as connection:
            if not connection.pooled:
                yield connection
                return
            with self._begun(connection, "BEGIN"):
                yield connection

    @contextmanager
    def _transaction(self, begin: str = "BEGIN") -> Iterator[_Connection]:
        with self._connection() as connection, self._begun(connection, begin):
            yield connection

    @contextmanager
    def _begun(self, connection: _Connection, begin: str) -> Iterator[None]:
        """A transaction with our time limits. After an error the pool rolls it back."""
        # A pooler passes one message to one session; a setting outside of a transaction would stay in it for others.
        limits = [f"SET LOCAL {limit}" for limit in self._limits] if connection.pooled else []
        connection.execute("; ".join([begin, *limits]).encode())
        yield
        connection.execute(b"COMMIT")

    @contextmanager
    def _connection(
        self, within_seconds: float | None = None, patience_seconds: float | None = None
    ) -> Iterator[_Connection]:
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
        except errors.LockNotAvailable as error:
            raise StoreBusy("Another transaction holds the row.") from error
        except _AWAY as error:
            if deadline is not None and time.monotonic() >= deadline:
                raise StoreLate(f"The shared database did not answer within {bound:g} s.") from error
            raise StoreUnavailable(f"The shared database did not answer: {redact(str(error))}") from error
        except _NO_CONTRACT as error:
            raise StoreUnavailable(f"The contract ops_v1 is not there for this role: {error}") from error

    def _configure(self, connection: _Connection) -> None:
        """Prepare a new connection. No startup option is used: poolers refuse them or pass them to other clients."""
        connection.patience_seconds = self._patience_seconds
        connection.pooled = is_pooled(connection) if self._pooled is None else self._pooled
        if connection.pooled:
            # A pooler without protocol support for them runs one client's statement for another.
            connection.prepare_threshold = None
        else:
            connection.execute("; ".join(f"SET {limit}" for limit in self._limits).encode())

    def _start_listening(self) -> None:
        self._listener = listener = _Connection.connect(self._listen_dsn, **_settings(self._listen_dsn))
        listener.patience_seconds = self._patience_seconds
        if is_pooled(listener) if self._listener_pooled is None else self._listener_pooled:
            self._drop_listener()
            raise CannotListen
        listener.execute("; ".join(f"SET {limit}" for limit in self._limits).encode())
        if self._instance_id is not None:
            # The server, too, has to notice a host that vanished: the session stands for this process.
            listener.execute(_SERVER_KEEPALIVE)
            held = listener.execute(statements()["hold_session"].encode(), {"id": self._instance_id}).fetchone()
            self._has_session = bool(held and held["held"])
        listener.execute(f"LISTEN {REVISION_CHANNEL}".encode())

    def _drop_listener(self) -> None:
        self._has_session = False
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class Transaction:
    """Named statements inside one transaction of a PostgresStore."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def fetch(self, name: str, **params: Any) -> list[Row]:
        return self._connection.execute(statements()[name].encode(), _adapted(params)).fetchall()

    def execute(self, name: str, **params: Any) -> int:
        return self._connection.execute(statements()[name].encode(), _adapted(params)).rowcount


def _row_count(cursor: psycopg.Cursor[Row]) -> int:
    return cursor.rowcount


def _settings(dsn: str) -> dict[str, Any]:
    """How we connect. What the address itself sets stays as it is."""
    given = parameters(dsn)
    defaults = {**KEEPALIVE, "application_name": "ops_client"}
    kept = {name: value for name, value in defaults.items() if name not in given}
    return {**kept, "autocommit": True, "row_factory": dict_row}


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
