"""The owner of the backend's tables plants code in them; the console reads and changes them with its real roles.

Whatever runs then must reach nothing of the console's. Every attack records what it managed, so that a test can tell an
attack that failed from one that never ran.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import psycopg
import pytest
from django.db import connection, transaction
from psycopg import sql

from embedded.paths import ROOT
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests import podcast
from tests.database import console_role, drop_role, dsn, grant_foreign_role, make_role
from tests.incidents.operations.conftest import make_episode
from tests.people import person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]

# What the planted code tries, each by itself: the label, and the statement.
ATTEMPTS = {
    "read passwords": "INSERT INTO public.loot SELECT password FROM ops.access_user",
    "read sessions": "INSERT INTO public.loot SELECT session_key FROM ops.django_session",
    "write roles": "UPDATE ops.access_user SET role = 'admin' WHERE username = 'vera'",
    "forge audit": "INSERT INTO ops.audit_entry (at, source, actor, via, action, target_type, target_id, target_label,"
    " reason, request_id) VALUES (now(), 'service', 'vera', 'web', 'forged', 'x', 'x', 'x', '', '')",
    "turn flags": "UPDATE ops.flags_flag SET everyone = true",
    "write actions": "UPDATE ops.operations_action SET actor = 'vera'",
    "write chunks": "UPDATE ops.operations_chunk SET changed = 0",
    "expire audit": "SELECT ops.expire_audit(interval '100 days')",
}
CODE = """
CREATE TABLE public.loot (what text);
CREATE TABLE public.ran (place text, as_role text);
CREATE TABLE public.succeeded (what text, as_role text);
GRANT INSERT, SELECT ON public.loot, public.ran, public.succeeded TO PUBLIC;
CREATE FUNCTION public.tried(what text, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    INSERT INTO public.succeeded VALUES (what, current_user);
EXCEPTION WHEN OTHERS THEN
    NULL;
END $$;
CREATE FUNCTION public.attack(place text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- The owner's own sessions, which prepare the attack, are not the console's.
    IF session_user = {owner} OR pg_has_role(session_user, 'pg_monitor', 'MEMBER') THEN
        RETURN true;
    END IF;
    INSERT INTO public.ran VALUES (place, current_user);
    {attempts}
    RETURN true;
EXCEPTION WHEN read_only_sql_transaction THEN
    RETURN true;
END $$;
CREATE FUNCTION public.on_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.attack(TG_ARGV[0]);
    RETURN coalesce(NEW, OLD);
END $$;
"""
TRIGGER = "CREATE TRIGGER planted BEFORE UPDATE ON public.episode FOR EACH ROW EXECUTE FUNCTION public.on_row('row')"
DEFERRED = (
    "CREATE CONSTRAINT TRIGGER planted AFTER UPDATE ON public.episode DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION public.on_row('deferred')"
)
PLANTED = {
    "plain trigger": TRIGGER,
    "RESET ROLE in the trigger": """
        CREATE FUNCTION public.becoming() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE 'RESET ROLE';
            PERFORM public.attack('reset role');
            RETURN NEW;
        END $$;
        CREATE TRIGGER planted BEFORE UPDATE ON public.episode FOR EACH ROW EXECUTE FUNCTION public.becoming()""",
    "deferred trigger": DEFERRED,
    "re-deferred trigger": f"""
        {DEFERRED};
        CREATE FUNCTION public.redeferring() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            SET CONSTRAINTS ALL DEFERRED;
            PERFORM public.attack('re-deferring');
            RETURN NEW;
        END $$;
        CREATE TRIGGER again BEFORE UPDATE ON public.episode FOR EACH ROW EXECUTE FUNCTION public.redeferring()""",
    "poisoned search_path": """
        CREATE SCHEMA poison;
        GRANT USAGE ON SCHEMA poison TO PUBLIC;
        CREATE FUNCTION poison.now() RETURNS timestamptz LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM public.attack('poisoned now()');
            RETURN pg_catalog.now();
        END $$;
        CREATE FUNCTION poison.hashtext(text) RETURNS integer LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM public.attack('poisoned hashtext()');
            RETURN pg_catalog.hashtext($1);
        END $$;
        CREATE FUNCTION public.poisoning() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM set_config('search_path', 'poison, ops, public, pg_catalog', false);
            PERFORM public.attack('poisoning');
            RETURN NEW;
        END $$;
        CREATE TRIGGER planted BEFORE UPDATE ON public.episode FOR EACH ROW EXECUTE FUNCTION public.poisoning()""",
    "rule": """
        CREATE RULE planted AS ON UPDATE TO public.episode WHERE public.attack('rule') DO ALSO NOTHING;
        CREATE TRIGGER also BEFORE UPDATE ON public.episode FOR EACH ROW EXECUTE FUNCTION public.on_row('row')""",
    "view instead of table": """
        ALTER TABLE public.episode RENAME TO real_episode;
        CREATE VIEW public.episode AS SELECT * FROM public.real_episode WHERE public.attack('view');
        GRANT SELECT, UPDATE ON public.episode TO PUBLIC;
        CREATE FUNCTION public.instead() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM public.attack('instead');
            RETURN NEW;
        END $$;
        CREATE TRIGGER planted INSTEAD OF UPDATE ON public.episode FOR EACH ROW EXECUTE FUNCTION public.instead()""",
    "hostile = operator": """
        CREATE FUNCTION public.same(a uuid, b uuid) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM public.attack('operator');
            RETURN pg_catalog.uuid_eq(a, b);
        END $$;
        CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = public.same);
        CREATE FUNCTION public.widening() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM set_config('search_path', 'public, ops, pg_catalog', false);
            RETURN NEW;
        END $$;
        CREATE TRIGGER planted BEFORE UPDATE ON public.episode FOR EACH ROW EXECUTE FUNCTION public.widening();
        CREATE FUNCTION public.status_text(public.episodestatus) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM public.attack('cast');
            RETURN pg_catalog.enum_out($1)::text;
        END $$;
        CREATE CAST (public.episodestatus AS text) WITH FUNCTION public.status_text(public.episodestatus);
        """,
    "generated column": """
        CREATE FUNCTION public.generated(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM public.attack('generated');
            RETURN $1;
        END $$;
        ALTER TABLE public.episode ADD COLUMN planted text GENERATED ALWAYS AS (public.generated(meta_json)) STORED""",
    "row policy": """
        ALTER TABLE public.episode ENABLE ROW LEVEL SECURITY;
        CREATE POLICY planted ON public.episode USING (public.attack('policy'))""",
}
CONSOLE = """
import sys
import django
django.setup()
from django.db import DatabaseError
from incidents.operations import preview, queries, services
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from incidents.sweep.services import sweep_all
from ops_console import directory
from ops_console.access.actor import Actor
from ops_console.errors import ConsoleError
who = Actor(name="oscar", role="operator", via="web")
for step in (
    lambda: queries.list_page(Scope(kind="", state="stuck")),
    lambda: queries.counts(Scope(kind="")),
    lambda: services.start(who, Scope("episode_assembly", ids=(sys.argv[1],)), "fail", "stuck for hours"),
    release_due,
    lambda: services.start(who, Scope("episode_assembly", state="failed", ids=(sys.argv[2],)), "retry", ""),
    release_due,
    sweep_all,
    release_due,
    lambda: directory.find("a"),
):
    try:
        step()
    except (ConsoleError, DatabaseError) as error:
        print(type(error).__name__, error)
"""


@dataclass
class Backend:
    """The role that owns the backend's tables, and the console's role beside it."""

    role: str
    console: str

    def plant(self, statements: str) -> None:
        with psycopg.connect(dsn(self.role), autocommit=True) as owner:
            owner.execute(statements.encode())

    def work(self, *ids: str) -> str:
        """Let the console, as its own roles, read, fail, retry and sweep; what it printed."""
        given = psycopg.conninfo.conninfo_to_dict(dsn(self.console))
        address = "postgres:///?" + urlencode({name: str(value) for name, value in given.items()}, quote_via=quote)
        variables = {
            **os.environ,
            "DATABASE_URL": address,
            "DJANGO_SETTINGS_MODULE": "ops_console.settings",
            "UNDO_SECONDS": "0",
            "UNDO_BULK_SECONDS": "0",
        }
        done = subprocess.run(
            [sys.executable, "-c", CONSOLE, *ids], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout + done.stderr

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def attack_code(owner: str) -> str:
    attempts = "\n    ".join(
        sql.SQL("PERFORM public.tried({}, {});").format(sql.Literal(name), sql.Literal(text)).as_string()
        for name, text in ATTEMPTS.items()
    )
    return CODE.format(owner=sql.Literal(owner).as_string(), attempts=attempts)


@pytest.fixture
def backend(transactional_db: None) -> Iterator[Backend]:
    """A backend's role that owns what is in `public`, with the attack's tables in it."""
    role, console = make_role("owner"), console_role()
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT CREATE, USAGE ON SCHEMA public TO {}").format(sql.Identifier(role)))
        name = sql.Identifier(str(connection.settings_dict["NAME"]))
        cursor.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(name, sql.Identifier(role)))
        cursor.execute(
            f"SELECT format('ALTER %s public.%I OWNER TO %I', kind, name, {sql.Literal(role).as_string()}) FROM ("
            "SELECT 'TABLE' AS kind, tablename AS name FROM pg_tables WHERE schemaname = 'public' UNION ALL "
            "SELECT 'TYPE', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e') AS o"
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
    found = Backend(role, console)
    found.plant(attack_code(role))
    yield found
    drop_role(console)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(sql.Identifier(role)))
    podcast.make_tables()
    with transaction.atomic():
        grant_foreign_role()


@pytest.mark.parametrize("attack", PLANTED)
def test_planted_code_reaches_nothing_of_the_console(backend: Backend, attack: str) -> None:
    """Fail, Retry, sweep and lists run the planted code, which reads and writes nothing in the console's schema."""
    vera = person(Role.VIEWER)
    stuck, failed = make_episode(), make_episode(status="error")
    make_episode(hours=40)
    backend.plant(PLANTED[attack])
    said = backend.work(stuck, failed)
    assert backend.rows("SELECT count(*) FROM public.ran") != [(0,)], f"the attack never ran: {said}"
    assert backend.rows("SELECT DISTINCT what, as_role FROM public.succeeded") == []
    assert backend.rows("SELECT what FROM public.loot") == []
    vera.refresh_from_db()
    assert vera.role == Role.VIEWER
    assert not Entry.objects.filter(action="forged").exists()
    assert User.objects.filter(role=Role.ADMIN).count() == 0
