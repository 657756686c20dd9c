"""Least privilege: what a backend's role and the console's role can and cannot reach."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from ops_client.errors import StoreUnavailable
from ops_client.sql import statements
from ops_client.store import PostgresStore
from ops_console.contract.apply import apply_contract
from ops_console.contract.grants import grant_backend
from tests import database

pytestmark = pytest.mark.django_db(transaction=True)
PRIVATE = ["access_user", "django_session", "audit_entry", "flags_flag", "contract_grantee", "mfa_authenticator"]


@pytest.mark.parametrize("name", sorted(statements()))
def test_every_statement_of_the_client_prepares(backend: psycopg.Connection, name: str) -> None:
    """The migrated database understands each named statement, and the backend's role may run it."""
    text = psycopg.ClientCursor(backend).mogrify(statements()[name], Nulls())
    backend.execute(f"PREPARE checked AS {text}")
    backend.execute("DEALLOCATE checked")


@pytest.mark.parametrize("table", PRIVATE)
def test_a_backend_reads_no_table_of_the_console(backend: psycopg.Connection, table: str) -> None:
    """Users, sessions, audit and the base tables are out of a backend's reach."""
    with pytest.raises(InsufficientPrivilege):
        backend.execute(f"SELECT * FROM ops.{table}")


def test_a_backend_writes_no_configuration(backend: psycopg.Connection) -> None:
    """A backend reads flags and changes none."""
    backend.execute("SELECT * FROM ops_v1.flag")
    with pytest.raises(InsufficientPrivilege):
        backend.execute("UPDATE ops_v1.flag SET everyone = true")


def test_the_console_adds_to_the_audit_and_changes_nothing_of_it(console: psycopg.Connection) -> None:
    """The role that the console runs as can neither change nor remove an entry."""
    console.execute("SELECT * FROM ops.audit_entry")
    for statement in ("UPDATE ops.audit_entry SET actor = 'nobody'", "DELETE FROM ops.audit_entry"):
        with pytest.raises(InsufficientPrivilege):
            console.execute(statement)


def test_the_console_owns_no_table(console: psycopg.Connection) -> None:
    """The role that the console runs as can alter no table and make none."""
    for statement in ("ALTER TABLE ops.flags_flag ADD x int", "CREATE TABLE ops.more (x int)", "DROP VIEW ops_v1.flag"):
        with pytest.raises(InsufficientPrivilege):
            console.execute(statement)


def test_grants_survive_a_new_contract(backend: psycopg.Connection, owner: psycopg.Connection) -> None:
    """A view that a migration dropped is made anew, and granted again to those who had it."""
    owner.execute("DROP VIEW ops_v1.flag CASCADE")
    apply_contract()
    backend.execute("SELECT * FROM ops_v1.flag, ops_v1.flag_digest")


def test_a_role_that_is_gone_stops_no_migration(transactional_db: None) -> None:
    """A role that was granted and then dropped is left out when the contract is applied again."""
    role = database.make_role("leaver")
    grant_backend(role)
    database.drop_role(role)
    apply_contract()


def test_the_console_names_nobody_to_be_granted(console: psycopg.Connection) -> None:
    """The owner grants whoever is in this table at the next migrate; the console's role cannot write to it."""
    with pytest.raises(InsufficientPrivilege):
        console.execute("INSERT INTO ops.contract_grantee (role, kind) VALUES ('anybody', 'console')")


def test_applying_the_contract_again_changes_nothing(owner: psycopg.Connection) -> None:
    """The contract is idempotent: the catalogue is the same after a second application."""
    before = catalogue(owner)
    apply_contract()
    assert catalogue(owner) == before


def test_the_backends_schema_shows_nothing_of_ours(owner: psycopg.Connection) -> None:
    """What a migration tool finds by inspecting `public` holds no table of the console's."""
    rows = owner.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'").fetchall()
    ours = {"flags_flag", "access_user", "audit_entry", "django_migrations", "config_change"}
    assert not ours & {name for (name,) in rows}


def test_an_older_contract_is_as_good_as_none(backend: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client newer than the migrated contract waits for what it lacks, a column too, as for a database away."""
    monkeypatch.setattr("ops_client.store.statements", lambda: {"newer": "SELECT not_yet FROM ops_v1.revision"})
    store = PostgresStore(backend.info.dsn)
    with pytest.raises(StoreUnavailable, match="not_yet"):
        store.fetch("newer")
    store.close()


def test_an_unknown_role_is_named(transactional_db: None) -> None:
    """Granting to a role that the server has not says so, and what to do."""
    from ops_console.errors import InvalidInput

    with pytest.raises(InvalidInput, match="no database role 'nobody_here'"):
        grant_backend("nobody_here")


@pytest.mark.parametrize("command", ["grant_backend", "grant_console"])
def test_who_does_not_own_the_contract_is_told_so(console: psycopg.Connection, command: str) -> None:
    """Granting as the console's own role ends in one sentence that says who can, not in a traceback."""
    role = console.info.user
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    try:
        with pytest.raises(CommandError, match="Only the owner of the schemas ops and ops_v1"):
            call_command(command, role)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


class Nulls(dict):
    """NULL for every parameter: PREPARE checks names, types and rights, not values."""

    def __missing__(self, key: str) -> None:
        return None

    def __getitem__(self, key: str) -> None:
        return None


def catalogue(connection: psycopg.Connection) -> list[tuple]:
    return connection.execute(
        "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal "
        "UNION ALL SELECT viewname, schemaname, definition FROM pg_views WHERE schemaname = 'ops_v1' ORDER BY 1, 2, 3"
    ).fetchall()
