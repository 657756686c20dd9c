"""The connection on which the backend's own tables are read and written.

Their owner can plant code in them: a trigger, a rule, a policy, a generated column, an operator. It runs as whoever
reads or writes the table. So nobody does that as the console's role: this connection logs in as a role without rights
in `ops`, owner of nothing and member of nothing, which reaches the console's tables only by the views and functions of
schema `ops_sources` (contract/v1/52_operation_sources.sql). Decision 028 has what was tried instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from django.db import OperationalError, connections
from psycopg.pq import TransactionStatus

from ops_client.connections import BoundedConnection
from ops_console.errors import ConsoleError

log = structlog.get_logger(__name__)
ALIAS = "foreign"
GRACE_SECONDS = 1.0
_PARAMETERS = ("host", "port", "dbname", "user", "password", "connect_timeout", "sslmode", "sslrootcert", "passfile")


class ForeignUnavailable(ConsoleError):
    """The console's database answers, and the role of the backend's tables cannot log in."""

    status = 503
    code = "foreign_unavailable"


def opened() -> Any:
    """Django's connection. Raises ForeignUnavailable where only this one cannot be made, else OperationalError."""
    found = connections[ALIAS]
    try:
        found.ensure_connection()
    except OperationalError as error:
        if not _console_is_connected():
            raise
        raise ForeignUnavailable(
            f"The backend's tables cannot be read: {role()} cannot log in. The page System says why."
        ) from error
    return found


@contextmanager
def cursor() -> Iterator[Any]:
    """A cursor of Django's on it. Raises as `opened` does."""
    with opened().cursor() as found:
        yield found


@contextmanager
def patient(milliseconds: int) -> Iterator[None]:
    """While the server is to end statements after so long, wait little longer for its answer, and then end its session.

    What runs there may be code of the backend's, which can switch the server's own limit off.
    """
    raw = connections[ALIAS].connection
    before = getattr(raw, "patience_seconds", None)
    if before is None:
        yield
        return
    raw.patience_seconds = min(before, milliseconds / 1000 + GRACE_SECONDS)
    try:
        yield
    finally:
        raw.patience_seconds = before


def role() -> str:
    """The role that FOREIGN_DATABASE_URL names."""
    return str(connections[ALIAS].settings_dict["USER"])


def discard() -> None:
    """Forget what code of the backend's left in the session: settings, prepared statements, temporary tables, locks.

    After a transaction that may have run some. Within one, whoever ends it does this.
    """
    found = connections[ALIAS]
    raw = found.connection
    if raw is None or found.in_atomic_block or raw.info.transaction_status != TransactionStatus.IDLE:
        return
    with found.cursor() as one:
        one.execute("DISCARD ALL")


def end_session(pid: int) -> None:
    """Terminate the session of the role with this process id, by the console's role, which may (`pg_signal_backend`).

    Only the role's own: by now the server may have given the number to somebody else.
    """
    try:
        with BoundedConnection.connect(**parameters("default"), autocommit=True) as console:
            console.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND usename = %s", [pid, role()]
            )
    except psycopg.Error as error:
        log.warning("foreign_session_not_ended", pid=pid, error=str(error))
    else:
        log.warning("foreign_session_ended", pid=pid, role=role())


def parameters(alias: str) -> dict[str, Any]:
    """How a connection of one's own is made, beside the pool."""
    given = connections[alias].get_connection_params()
    return {name: given[name] for name in _PARAMETERS if given.get(name)}


def _console_is_connected() -> bool:
    console = connections["default"]
    try:
        console.ensure_connection()
    except OperationalError:
        return False
    return bool(console.is_usable())
