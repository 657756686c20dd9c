"""Whatever a backend's role can write, every page is shown and every periodic task runs to its end."""

import random
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils.module_loading import import_string
from psycopg import sql

from benchmarks.growth_pages import addresses
from benchmarks.growth_rows import Size, fill
from benchmarks.growth_samples import samples
from incidents.alerts.tasks import look
from ops_console.access.roles import Role
from ops_console.celery import BEAT
from tests.api.calling import calling
from tests.database import backend_role, drop_role, dsn
from tests.people import person, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
ROWS_EACH = 60
CALLS_EACH = 60
TEXTS = (
    "", " ", "a", "\n", "a\r\nb", "\t", "\u202e", "\u200b", "\x1b[31m", "<script>alert(1)</script>", "'\"`;--", "%s",
    "{}", "a" * 40, "a" * 5000, "é" * 60, "🎧", "/", "../..", "?a=b&c=d", "#", "null", "backend", "open", "closed",
    "half_open", "failed", "processing", "episode_assembly", "provider-1", "api_calls", "service-1", "flag_17", "17",
)  # fmt: skip
VALUES = {
    "text": TEXTS,
    "character varying": TEXTS,
    "integer": ("0", "1", "-1", "2147483647", "-2147483648"),
    "smallint": ("0", "1", "-1", "32767", "-32768"),
    "bigint": ("0", "1", "-1", "9223372036854775807", "-9223372036854775808"),
    "boolean": ("true", "false"),
    "double precision": ("0", "-1", "1e308", "NaN", "Infinity", "-Infinity"),
    "numeric": ("0", "-1", "1e400", "NaN", "Infinity"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "inet": ("0.0.0.0", "::1", "::ffff:1.2.3.4", "10.0.0.0/8"),
    "timestamp with time zone": (
        "now", "infinity", "-infinity", "0001-01-01", "4713-01-01 BC", "9999-12-31 23:59:59+00", "294276-12-31",
        "now() + 10 years",
    ),
    "date": ("today", "infinity", "-infinity", "0001-01-01", "9999-12-31"),
    "interval": ("0", "-1 day", "178000000 years"),
    "jsonb": (
        "null", "1", "1e400", "-0.0", '"text"', "[]", "{}", "[null]", '{"": null}',
        '[{"flag": 1, "rule": [], "message": {}}]',
        '{"open_seconds": "x", "probe_seconds": null}', '{"open_seconds": 1e300, "probe_seconds": -1}',
        '{"a": {"b": {"c": [1, [2, [3]]]}}}', '{"k": 9223372036854775808}', '"<script>"', '{"tier": 17, "user_id": []}',
        '{"kind": "episode_assembly", "operation_id": "x", "title": 5, "payload": []}', "[" * 60 + "]" * 60,
    ),
}  # fmt: skip


PLAIN = {"text": "provider-1", "character varying": "provider-1", "timestamp with time zone": "now", "jsonb": "{}"}


@pytest.fixture
def backend() -> Iterator[psycopg.Connection[Any]]:
    role = backend_role()
    with psycopg.connect(dsn(role), autocommit=True) as connected:
        yield connected
    drop_role(role)


def value_of(pick: random.Random, kind: str, odd: bool = True) -> Any:
    """A hostile value of this type; a plain one where it is not to be `odd`."""
    if kind.endswith("[]"):
        return [value_of(pick, kind[:-2], odd) for _ in range(pick.choice((0, 1, 3)))]
    if odd:
        return None if pick.random() < 0.08 else pick.choice(VALUES[kind])
    return uuid.UUID(int=pick.getrandbits(128)) if kind == "uuid" else PLAIN.get(kind, "1")


def write_rows(backend: psycopg.Connection[Any], pick: random.Random) -> int:
    """Rows for each view that takes them, with a column left out now and then; how many the database took."""
    views = backend.execute(
        "SELECT table_name FROM information_schema.role_table_grants WHERE table_schema = 'ops_v1'"
        " AND grantee = current_user AND privilege_type = 'INSERT' ORDER BY 1"
    ).fetchall()
    written = 0
    for (view,) in views:
        columns = backend.execute(
            "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a"
            " JOIN information_schema.columns c ON c.table_schema = 'ops_v1' AND c.column_name = a.attname"
            " WHERE a.attrelid = format('ops_v1.%%I', c.table_name)::regclass AND c.table_name = %s"
            " AND c.is_updatable = 'YES' ORDER BY a.attnum",
            [view],
        ).fetchall()
        for _ in range(ROWS_EACH):
            chosen = [(name, kind) for name, kind in columns if pick.random() < 0.95]
            values = [value_of(pick, kind, odd=pick.random() < 0.25) for _, kind in chosen]
            statement = sql.SQL("INSERT INTO ops_v1.{} ({}) VALUES ({})").format(
                sql.Identifier(view),
                sql.SQL(", ").join(sql.Identifier(name) for name, _ in chosen),
                sql.SQL(", ").join(sql.SQL("%s::{}").format(sql.SQL(kind)) for _, kind in chosen),
            )
            written += attempt(backend, statement, values)
    return written


def call_functions(backend: psycopg.Connection[Any], pick: random.Random) -> int:
    """Calls of every function of the contract that the role may execute; how many were answered."""
    functions = backend.execute(
        "SELECT p.proname, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) AS t) FROM pg_proc p"
        " WHERE p.pronamespace = 'ops_v1'::regnamespace AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1"
    ).fetchall()
    assert len(functions) > 20
    answered = 0
    for name, kinds in functions:
        for _ in range(CALLS_EACH):
            arguments = sql.SQL(", ").join(sql.SQL("%s::{}").format(sql.SQL(kind)) for kind in kinds)
            statement = sql.SQL("SELECT * FROM ops_v1.{}({})").format(sql.Identifier(name), arguments)
            answered += attempt(backend, statement, [value_of(pick, kind, odd=pick.random() < 0.4) for kind in kinds])
    return answered


def attempt(backend: psycopg.Connection[Any], statement: sql.Composed, values: list[Any]) -> bool:
    try:
        backend.execute(statement, values)
    except psycopg.Error:
        return False  # the contract refuses it
    return True


@pytest.mark.parametrize("seed", range(4))
def test_pages_and_tasks_survive_what_a_backend_writes(backend: psycopg.Connection[Any], seed: int) -> None:
    """Odd texts, extreme numbers, infinite times and JSON of every shape, through every view and function."""
    pick = random.Random(seed)
    person(Role.ADMIN, "bench")
    look()
    fill(connection.connection, None, Size(each=100))
    found = samples()
    assert write_rows(backend, pick) > 50
    assert call_functions(backend, pick) > 200
    failed = dict(failing_tasks())
    client, api = signed_in(Role.ADMIN, "bench"), calling(Role.ADMIN)
    client.raise_request_exception = api.raise_request_exception = False
    failed |= dict(failing_pages(client, api, found))
    assert failed == {}


def failing_tasks() -> Iterator[tuple[str, str]]:
    for name in BEAT:
        try:
            import_string(name)()
        except Exception as error:  # noqa: BLE001 - all that fail are told
            yield name, repr(error)[:500]


def failing_pages(client: Client, api: Client, found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for address in addresses(found):
        cache.clear()
        answer: Any = (api if address.name.startswith("api:") else client).get(address.path)
        try:
            text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        except Exception as error:  # noqa: BLE001 - as above
            yield address.path, repr(error)[:500]
            continue
        if answer.status_code >= 500:
            yield address.path, f"{answer.status_code} {getattr(answer, 'exc_info', [''] * 2)[1]!r}"[:500]
        elif b"could not be read" in text:
            yield address.path, "a part could not be read"
