"""What the console needs of the way to its database, found before the first request."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

from ops_client.connections import BoundedConnection, is_pooled, session_of

ATTEMPTS = 3


@register("pooling")
def session_pooling(**_: Any) -> list[CheckMessage]:
    """Settings, LISTEN, prepared statements and advisory locks of the console live in a session of the server."""
    try:
        pooled = pools_transactions(_parameters())
    except psycopg.Error:
        return []  # a database that cannot be reached is reported by whoever needs it
    if not pooled:
        return []
    message = "DATABASE_URL leads through a pooler in transaction mode, which gives each transaction another session."
    hint = "Connect the console to PostgreSQL itself, or to a pool in session mode (PgBouncer: pool_mode = session)."
    return [Error(message, hint=hint, id="contract.E001")]


@register(Tags.database)
def ending_sessions(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The watchdog ends backend sessions that hold up the console (contract/watchdog.py)."""
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT current_user FROM ops.contract_grantee WHERE role = current_user AND kind = 'console'"
                " AND NOT pg_has_role(current_user, 'pg_signal_backend', 'USAGE')"
            )
            found = cursor.fetchone()
    except DatabaseError:
        return []  # not migrated yet, or unreachable
    if found is None:
        return []
    message = f"{found[0]} may not end backend sessions: one that holds a lock holds up the console for as long."
    return [Warning(message, hint=f"As a superuser: GRANT pg_signal_backend TO {found[0]};", id="contract.W001")]


def pools_transactions(parameters: dict[str, Any]) -> bool:
    """Whether two connections share a session of the server. Raises psycopg.Error."""
    with BoundedConnection.connect(**parameters) as one:
        if not is_pooled(one):
            return False
        with BoundedConnection.connect(**parameters) as other:
            return any(_shares(one, other) for _ in range(ATTEMPTS))


def _shares(one: psycopg.Connection[Any], other: psycopg.Connection[Any]) -> bool:
    before = session_of(one)
    with other.transaction():
        # A pooler of transactions has given ours away, or must give us another one now.
        return before == session_of(other) or before != session_of(one)


def _parameters() -> dict[str, Any]:
    given = connections["default"].get_connection_params()
    names = ("host", "port", "dbname", "user", "password", "connect_timeout", "sslmode", "sslrootcert")
    # Without `options`: PgBouncer would refuse to answer at all.
    return {**{name: given[name] for name in names if given.get(name)}, "autocommit": True, "prepare_threshold": None}
