"""A backend's session that holds all that its role can hold, while operators switch flags and force breakers."""

import itertools
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.pq import TransactionStatus

from flags.models import Flag
from incidents.breakers.models import Breaker, Override
from ops_console.access.roles import Role
from tests.database import dsn
from tests.people import signed_in
from tests.security.test_hostile_session import LOCKABLE

pytestmark = pytest.mark.django_db(transaction=True)
VALUES = {
    "text": ("gemini", "open", "x"),
    "uuid": ("00000000-0000-0000-0000-000000000001",),
    "jsonb": ('{"open_seconds": 2, "probe_seconds": 1}', "{}"),
    "timestamp with time zone": ("now",),
}
FUNCTIONS = """
SELECT p.oid::regproc::text, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) AS t)
FROM pg_proc p WHERE p.pronamespace = 'ops_v1'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE')
"""
RELATIONS = "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'ops_v1'::regnamespace AND relkind = 'v'"
MODES = ("ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "ROW EXCLUSIVE", "ACCESS SHARE")
# Names that the console's own advisory locks have: anybody can take them.
ADVISORY = ("ops.flags.references", "ops.alerts", "ops.contract")


def attempt(session: psycopg.Connection[Any], statement: sql.Composed | str, values: Any = ()) -> None:
    """Keep what it locks; an error takes nothing of the rest back."""
    try:
        with session.transaction():
            session.execute(statement, values)
    except psycopg.Error:
        pass


def hold_everything(session: psycopg.Connection[Any]) -> None:
    """Every function of the contract with several values, every lock on every relation, and the advisory locks."""
    session.execute(
        "SET lock_timeout = '100ms'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
    )
    session.execute("BEGIN")
    for name, types in session.execute(FUNCTIONS).fetchall():
        choices = itertools.product(*(VALUES.get(kind, ("1",)) for kind in types))
        for values in itertools.islice(choices, 12):
            arguments = sql.SQL(", ").join(
                sql.SQL("{}::" + kind).format(sql.Literal("{1}" if kind.endswith("[]") else value))
                for value, kind in zip(values, types, strict=True)
            )
            attempt(session, sql.SQL("SELECT {}({})").format(sql.SQL(name), arguments))
    attempt(session, "SELECT ops_v1.move_breaker('gemini', 0, 'open', 'x', 'x', gen_random_uuid())")
    for name in ADVISORY:
        attempt(session, "SELECT pg_advisory_lock(hashtext(%s))", [name])
    for (relation,) in session.execute(RELATIONS).fetchall():
        for mode in MODES if relation not in LOCKABLE else ["ACCESS SHARE"]:
            attempt(session, f"LOCK TABLE {relation} IN {mode} MODE")
    session.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_operators_are_answered_whatever_a_backend_holds(backend_dsn: str) -> None:
    """A flag is off and a breaker forced open while the session still holds everything that it could get."""
    flag = Flag.objects.create(name="player")
    Breaker.objects.create(name="gemini", config={"open_seconds": 1, "probe_seconds": 1})
    operator = signed_in(Role.OPERATOR)
    with psycopg.connect(backend_dsn, autocommit=True) as hostile:
        hold_everything(hostile)
        held = (
            "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'ops.breakers_breaker'::regclass"
        )
        with psycopg.connect(dsn(), autocommit=True) as owner:
            pid = hostile.info.backend_pid
            assert owner.execute(held.replace("pg_backend_pid()", str(pid))).fetchone() != (0,)
        assert operator.post(f"/flags/{flag.pk}/state/off/", headers={"HX-Request": "true"}).status_code == 204
        order = {"reason": "vendor asked", "hours": "1", "seconds": "3600", "version": "0"}
        answer = operator.post("/breakers/gemini/override/?mode=force_open", order, headers={"HX-Request": "true"})
        assert answer.status_code == 204
        assert hostile.info.transaction_status == TransactionStatus.INTRANS
        assert (Flag.objects.get().everyone, Override.objects.get().mode) == (False, "force_open")
        hostile.execute("ROLLBACK")
