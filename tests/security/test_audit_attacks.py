"""The audit cannot be bypassed, forged or emptied by a role that reaches the console's tables."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege, UndefinedFunction

from flags import services
from flags.listed import set_listed
from flags.models import Flag, State
from ops_console.access.models import ApiToken
from ops_console.access.roles import Role
from ops_console.access.services import deactivate
from ops_console.access.token_services import create
from ops_console.audit.models import Entry, Retention, Seal
from ops_console.audit.services import Target, record
from quotas.models import Override, Policy, Resource
from quotas.settings_services import set_policy
from quotas.tasks import end_overrides
from tests import database
from tests.audit_rows import past_entry
from tests.people import actor, person

pytestmark = pytest.mark.django_db(transaction=True)
INSERT = (
    "INSERT INTO ops.audit_entry (source, actor, via, action, target_type, target_id, target_label, reason, request_id"
    "{columns}) VALUES ('service', 'alice', 'web', 'flag.edit', 'flag', '1', 'player', '', ''{values}) RETURNING at"
)


@pytest.fixture
def console(transactional_db: None) -> Iterator[psycopg.Connection]:
    """A connection with the rights of the console, as code in a trigger of a foreign table has it."""
    role = database.console_role()
    with psycopg.connect(database.dsn(role), autocommit=True) as opened:
        yield opened
    database.drop_role(role)


@pytest.mark.parametrize("setting", ["ops.audited", "ops.audit_expiring", "ops.anything"])
def test_no_setting_hides_a_write(console: psycopg.Connection, setting: str) -> None:
    """A session that sets what it likes is recorded with its role, before and after."""
    flag = Flag.objects.create(name="player", everyone=False)
    with console.transaction():
        console.execute(f"SET {setting} = 'on'")
        console.execute("UPDATE ops.flags_flag SET everyone = true WHERE id = %s", [flag.pk])
    entry = Entry.objects.latest("id")
    assert (entry.source, entry.action, entry.target_id) == ("trigger", "flag.update", str(flag.pk))
    assert (entry.actor, entry.before["everyone"], entry.after["everyone"]) == (console.info.user, False, True)


HIDDEN = {
    "role": ("UPDATE ops.access_user SET role = 'admin', is_staff = true, is_superuser = true", "person"),
    "token": ("UPDATE ops.access_apitoken SET expires_at = now() + interval '1 year'", "token"),
    "list": ("INSERT INTO ops.flags_flag_users (flag_id, user_id) SELECT max(f.id), max(u.id) FROM ops.flags_flag f,"
             " ops.access_user u", "flag"),
    "policy": ("UPDATE ops.quotas_policy SET \"limit\" = 1000000", "policy"),
}  # fmt: skip


@pytest.mark.parametrize("change", HIDDEN)
def test_an_entry_about_something_else_hides_no_write(console: psycopg.Connection, change: str) -> None:
    """Code that runs in a service's transaction is not covered by the service's entry."""
    statement, target_type = HIDDEN[change]
    other = Flag.objects.create(name="other")
    Resource.objects.create(name="uploads", kind="storage")
    Policy.objects.create(resource_id="uploads", tier="free", limit=1)
    create(actor(), "deploy", "viewer", ["flags:read"])
    before = Entry.objects.filter(source="trigger", target_type=target_type).count()
    with console.transaction():
        console.execute("SET ops.audited = 'on'")
        console.execute(INSERT.format(columns="", values="").replace("'1'", f"'{other.pk + 1}'"))
        console.execute(statement)
    assert Entry.objects.filter(source="trigger", target_type=target_type).count() == before + 1


def test_services_are_recorded_once() -> None:
    """Nothing that a service recorded is recorded again: flags, lists, policies, people with their tokens."""
    flag = services.create(actor(), "player", {}, State.OFF)
    services.edit(actor(), flag.pk, {"note": "x"}, 1)
    Group.objects.create(name="beta")
    set_listed(actor(), flag, {"groups": ["beta"]})
    Resource.objects.create(name="uploads", kind="storage")
    admin = actor(Role.ADMIN)
    set_policy(admin, "free", "uploads", 10)
    vera = person(Role.VIEWER)
    create(actor(Role.VIEWER), "deploy", "viewer", ["flags:read"])
    made_by_tests = {"person.insert", "resource.insert"}
    deactivate(admin, vera.pk, vera.version)
    assert ApiToken.objects.get().revoked_at
    assert set(Entry.objects.filter(source="trigger").values_list("action", flat=True)) == made_by_tests


def test_what_ran_out_becomes_history_without_an_entry_and_nothing_else_does() -> None:
    """The nightly end of overrides is no change; one whose expiry is moved on the way is."""
    Resource.objects.create(name="uploads", kind="storage")
    past = timezone.now() - timedelta(minutes=5)
    for user in ("1", "2"):
        Override.objects.create(resource_id="uploads", user_id=user, limit=5, expires_at=past, reason="r")
    written = Entry.objects.filter(target_type="override").count()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ops.quotas_override SET ended = 'expired', ended_at = expires_at, \"limit\" = 9 WHERE user_id = '1'"
        )
    assert Entry.objects.filter(target_type="override").count() == written + 1
    assert Entry.objects.latest("id").target_id == "1/uploads"
    assert end_overrides() == 1
    assert Entry.objects.filter(target_type="override").count() == written + 1


def test_an_entry_has_the_databases_time_role_and_transaction(console: psycopg.Connection) -> None:
    """A time in the past is overwritten, and so are another role and transaction."""
    began = timezone.now()
    columns, values = ", at, database_role, transaction_id", ", '2020-01-01', 'postgres', 1"
    (at,) = console.execute(INSERT.format(columns=columns, values=values)).fetchone() or (None,)
    entry = Entry.objects.latest("id")
    assert at == entry.at >= began - timedelta(seconds=1)
    assert entry.database_role == console.info.user
    assert entry.transaction_id and entry.transaction_id > 1


def test_an_entry_gets_no_number_of_its_own(console: psycopg.Connection) -> None:
    """An id that the sequence did not give is refused, before and after the session has used it."""
    number = ", 1000000"
    with pytest.raises(psycopg.Error):
        console.execute(INSERT.format(columns=", id", values=number))
    console.execute(INSERT.format(columns="", values=""))
    with pytest.raises(InsufficientPrivilege, match="numbered by the database"):
        console.execute(INSERT.format(columns=", id", values=number))


def test_an_entry_of_the_database_is_written_by_the_database(console: psycopg.Connection) -> None:
    """The console's role cannot blame a database role by an entry of source 'trigger'."""
    with pytest.raises(InsufficientPrivilege, match="only the database"):
        console.execute(INSERT.format(columns="", values="").replace("'service'", "'trigger'"))


def test_a_poisoned_search_path_moves_no_clock(console: psycopg.Connection) -> None:
    """A clock of the client's own, put before PostgreSQL's, is not asked."""
    console.execute(
        "CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz"
        " LANGUAGE sql AS $$ SELECT '2020-01-01'::timestamptz $$"
    )
    console.execute("SET search_path = pg_temp, pg_catalog")
    (at,) = console.execute(INSERT.format(columns="", values="")).fetchone() or (None,)
    assert at.year > 2020


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ops.audit_entry",
        "UPDATE ops.audit_entry SET reason = 'x'",
        "TRUNCATE ops.audit_entry",
        "DELETE FROM ops.audit_seal",
        "INSERT INTO ops.audit_seal SELECT * FROM ops.audit_seal",
        "DELETE FROM ops.audit_unsealed",
        "UPDATE ops.audit_retention SET days = 90",
        "DELETE FROM ops.audit_retention",
        "SELECT ops.append_seal('expiry', now(), '{[1,9)}', '')",
        "ALTER TABLE ops.audit_entry DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SELECT setval('ops.audit_entry_id_seq', 1)",
    ],
)
def test_the_consoles_role_empties_nothing(console: psycopg.Connection, statement: str) -> None:
    """Neither entries nor seals, nor what retention goes by, can be changed by the role that the console runs as."""
    with pytest.raises(InsufficientPrivilege):
        console.execute(statement)


def test_retention_takes_no_argument(console: psycopg.Connection) -> None:
    """What leaves is the owner's decision: intervals are not taken, and young entries stay."""
    with transaction.atomic():
        record(actor(), "flag.edit", Target("flag", "1", "player"))
    past_entry(at=timezone.now() - timedelta(days=399))
    with pytest.raises(UndefinedFunction):
        console.execute("SELECT ops.expire_audit(interval '-1200 months 36090 days')")
    console.execute("SELECT ops.seal_audit()")
    assert console.execute("SELECT ops.expire_audit()").fetchone() == (0,)


def test_what_expired_stands_in_the_chain_of_seals(console: psycopg.Connection) -> None:
    """The ids that retention let go are sealed; an entry without a seal does not leave."""
    old = past_entry(at=timezone.now() - timedelta(days=401))
    assert console.execute("SELECT ops.expire_audit()").fetchone() == (0,)
    console.execute("SELECT ops.seal_audit()")
    assert console.execute("SELECT ops.expire_audit()").fetchone() == (1,)
    expiry = Seal.objects.get(kind="expiry")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ids::text FROM ops.audit_seal WHERE id = %s", [expiry.pk])
        assert cursor.fetchone() == (f"{{[{old.pk},{old.pk + 1})}}",)


def test_the_owner_deletes_nothing_young_either() -> None:
    """No setting opens the way: `ops.audit_expiring` did once. The floor of 90 days is a constraint."""
    with transaction.atomic():
        record(actor(), "flag.edit", Target("flag", "1", "player"))
    with psycopg.connect(database.dsn(), autocommit=True) as owner:
        owner.execute("SET ops.audit_expiring = 'on'")
        with pytest.raises(InsufficientPrivilege, match="never changed or removed"):
            owner.execute("DELETE FROM ops.audit_entry")
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("UPDATE ops.audit_retention SET days = 89")


def test_a_change_of_retention_is_recorded() -> None:
    """The owner's change of the days that entries are kept is an entry itself."""
    with psycopg.connect(database.dsn(), autocommit=True) as owner:
        owner.execute("UPDATE ops.audit_retention SET days = 500")
        owner.execute("UPDATE ops.audit_retention SET days = 400")
    entry = Entry.objects.filter(target_type="audit_retention").earliest("id")
    assert (entry.before["days"], entry.after["days"], Retention.objects.get().days) == (400, 500, 400)
