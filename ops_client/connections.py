"""Connections that do not hang on a server or network that falls silent, and what stands between."""

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import Row

T = TypeVar("T")
# A server that vanished is noticed in about this time, not after the kernel's two hours.
KEEPALIVE: dict[str, int] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5000,
    "connect_timeout": 2,
}


class BoundedConnection(psycopg.Connection[Row]):
    """Waits for no answer longer than `patience_seconds`, nor beyond `deadline` (monotonic seconds) where there is one.

    The kernel notices nothing while a proxy or a frozen server acknowledges our packets. None waits for ever.
    """

    deadline: float | None = None
    patience_seconds: float | None = 5.0

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if timeout is not None:  # psycopg 3.3 sets it where waiting is meant to end
            return super().wait(gen, interval, timeout)
        until = self.deadline
        if until is None:
            if self.patience_seconds is None:
                return super().wait(gen, interval)
            until = time.monotonic() + self.patience_seconds
        return super().wait(_bounded(gen, until), min(interval, max(until - time.monotonic(), 0.001)))


def is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """Whether something else than the server answers: a pooler invents the process id that it tells at the start."""
    return session_of(connection) != connection.info.backend_pid


def session_of(connection: psycopg.Connection[Any]) -> int:
    """The process of the server that runs this connection's statement."""
    with psycopg.ClientCursor(connection, row_factory=psycopg.rows.scalar_row) as cursor:
        return int(cursor.execute(b"SELECT pg_backend_pid()").fetchone() or 0)


def _bounded(gen: PQGen[T], until: float) -> PQGen[T]:
    """`gen`, ended by OperationalError after `until`: psycopg 3.2 cannot bound a wait itself."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() >= until:
                raise psycopg.OperationalError("no answer in time")
            wanted = gen.send(ready)
    except StopIteration as done:
        result: T = done.value
        return result
