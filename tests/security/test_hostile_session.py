"""What a backend's session may hold while it stays open, and that the console is not held up by it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from flags import services
from flags.models import Flag, State
from incidents.breakers.models import Breaker
from ops_console.audit.models import Entry
from ops_console.contract.checks import ending_sessions
from ops_console.contract.grants import grant_backend, grant_console
from ops_console.contract.watchdog import terminate_blockers
from tests.database import backend_role, console_role, drop_role, dsn, make_role
from tests.people import actor
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
CONFIG = Jsonb({"open_seconds": 1, "probe_seconds": 1})


@pytest.fixture
def backend() -> Iterator[psycopg.Connection[Any]]:
    role = backend_role()
    with psycopg.connect(dsn(role), autocommit=True) as connected:
        yield connected
    drop_role(role)


def test_an_open_change_of_a_backend_holds_up_no_flag(backend: psycopg.Connection[Any]) -> None:
    """A backend keeps its change open with its constraints checked; a flag is switched meanwhile."""
    flag = Flag.objects.create(name="player")
    backend.execute("BEGIN")
    backend.execute("SELECT ops_v1.register_breaker('held', %s)", [CONFIG])
    backend.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '30s'")
    services.set_state(actor(), flag.pk, State.OFF)
    assert backend.info.transaction_status == TransactionStatus.INTRANS


@contextmanager
def waiting(console: psycopg.Connection[Any], statement: str) -> Iterator[list[BaseException]]:
    """The console's session runs a statement on a thread, until it waits for a lock. Yields its errors."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            console.execute(statement.encode())
        except BaseException as error:  # noqa: BLE001 - must reach the test
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    with psycopg.connect(dsn(), autocommit=True) as owner:
        question = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        until(lambda: owner.execute(question, [console.info.backend_pid]).fetchone() == (True,))
        yield errors
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def console() -> Iterator[psycopg.Connection[Any]]:
    role = console_role()
    with psycopg.connect(dsn(role), autocommit=True) as connected:
        yield connected
    drop_role(role)


def is_open(session: psycopg.Connection[Any]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_a_backend_session_that_holds_up_the_console_is_ended(
    backend: psycopg.Connection[Any], console: psycopg.Connection[Any]
) -> None:
    """The console's statement goes on, the backend's session is gone, and the audit says whose it was."""
    Breaker.objects.create(name="held", config={})
    backend.execute("BEGIN")
    backend.execute("SELECT ops_v1.register_breaker('held', %s)", [CONFIG])
    session = backend.info.user, backend.info.backend_pid
    with waiting(console, "UPDATE ops.breakers_breaker SET cause = 'x' WHERE name = 'held'") as errors:
        assert terminate_blockers(patience_seconds=3600) == 0
        assert is_open(backend)
        assert terminate_blockers(patience_seconds=0) == 1
    assert errors == []
    assert not is_open(backend)
    entry = Entry.objects.get(action="session.terminate")
    assert (entry.before["role"], entry.before["process"]) == session


def test_only_backends_that_hold_up_the_console_are_ended(
    backend: psycopg.Connection[Any], console: psycopg.Connection[Any]
) -> None:
    """A backend that waits for another one, and whoever is no backend, keep their sessions."""
    Breaker.objects.create(name="held", config={})
    change = "UPDATE ops.breakers_breaker SET cause = 'x' WHERE name = 'held'"
    with psycopg.connect(dsn()) as owner:
        owner.execute(change)
        with waiting(console, change):
            assert terminate_blockers(patience_seconds=0) == 0
            owner.rollback()
    backend.execute("BEGIN")
    backend.execute("SELECT ops_v1.register_breaker('held', %s)", [CONFIG])
    register = "SELECT ops_v1.register_breaker('held', '{\"open_seconds\": 2, \"probe_seconds\": 1}')"
    with psycopg.connect(dsn(backend.info.user), autocommit=True) as other, waiting(other, register):
        assert terminate_blockers(patience_seconds=0) == 0
        backend.execute("ROLLBACK")


def test_a_console_that_may_not_end_sessions_is_told_so(backend: psycopg.Connection[Any]) -> None:
    """`check` names the right that is missing; the grant gives it where it can."""
    role = console_role()
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'REVOKE pg_signal_backend FROM "{role}"; SET ROLE "{role}"')
            [message] = ending_sessions()
            cursor.execute("RESET ROLE")
            assert (message.id, "pg_signal_backend" in str(message.hint)) == ("contract.W001", True)
            assert grant_console(role) == []
            cursor.execute(f'SET ROLE "{role}"')
            assert ending_sessions() == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        drop_role(role)


def test_a_backends_sessions_have_limits_until_somebody_sets_others(transactional_db: None) -> None:
    """The first grant sets a connection limit and time limits; later grants leave what was set since."""
    role = make_role("limited")
    try:
        assert grant_backend(role) == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolconnlimit > 0 FROM pg_roles WHERE rolname = %s", [role])
            assert cursor.fetchone() == (True,)
            cursor.execute(f'ALTER ROLE "{role}" CONNECTION LIMIT 7')
            grant_backend(role)
            cursor.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", [role])
            assert cursor.fetchone() == (7,)
        with psycopg.connect(dsn(role)) as session:
            settings = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
            shown = [session.execute(f"SHOW {name}").fetchone() for name in settings]
        assert shown == [("1min",), ("1min",), ("10s",)]
    finally:
        drop_role(role)


# Views that backends still write to: the right to write is a right to lock. Each goes when its writes are a function.
# Where a superuser owns the contract, `instance` locks the catalogue with it, and nobody can connect.
LOCKABLE = {
    "ops_v1.breaker_report",
    "ops_v1.flag_presence",
    "ops_v1.flag_usage",
    "ops_v1.instance",
    "ops_v1.provider_minute",
    "ops_v1.quota_failure",
}
RELATIONS = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND c.relkind IN ('r','p','v')
  AND has_schema_privilege(n.oid, 'USAGE')
  AND (has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
       OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
"""


def test_a_backend_locks_no_table(backend: psycopg.Connection[Any]) -> None:
    """Of all that its role has any right on, a backend can take ACCESS SHARE and no stronger lock."""
    relations = [name for (name,) in backend.execute(RELATIONS).fetchall()]
    assert len(relations) > 10
    lockable = set()
    for name in relations:
        for mode in ("ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "ROW EXCLUSIVE", "ROW SHARE"):
            try:
                with backend.transaction(force_rollback=True):
                    backend.execute(f"LOCK TABLE {name} IN {mode} MODE NOWAIT".encode())
                lockable.add(name)
            except psycopg.errors.InsufficientPrivilege:
                pass
            except psycopg.errors.LockNotAvailable:
                # The role may, and somebody else holds what the view stands on.
                lockable.add(name)
        # A shared catalog may be held by whoever makes a database at this moment.
        with suppress(psycopg.errors.LockNotAvailable), backend.transaction(force_rollback=True):
            backend.execute(f"LOCK TABLE {name} IN ACCESS SHARE MODE NOWAIT".encode())
    assert lockable == LOCKABLE
