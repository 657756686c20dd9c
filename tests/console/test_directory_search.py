"""Searching the backend's users: ranked, bounded, indexed, and the missing index named."""

import io
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection

from ops_console import directory
from ops_console.directory import checks, indexes, schema
from tests import podcast

MAYA = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(autouse=True)
def fresh_schema() -> Iterator[None]:
    """The table is read again: other tests' indexes and sizes are forgotten."""
    schema.forget()
    yield
    schema.forget()


def crowd(count: int) -> None:
    """Users whose mail holds "maya" and sorts before hers."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO public."user" (id, email, hashed_password, is_active, is_admin, tier, first_name, last_name,
                                       created_at, is_deleted_view)
            SELECT gen_random_uuid(), 'a' || n || '@mayafair.example', '', true, false, 'free', 'Anna', 'Amayas' || n,
                   now() AT TIME ZONE 'UTC', false
            FROM generate_series(1, %s) n
            """,
            [count],
        )
        cursor.execute('ANALYZE public."user"')


def found(text: str, limit: int = 8) -> list[str]:
    return [person.email for person in directory.find(text, limit)]


def test_a_first_name_finds_its_owner_first(db: None) -> None:
    """A whole word of the name comes before parts of mails, however many of those sort before it."""
    crowd(500)
    podcast.add_user(MAYA, "m.lindqvist@example.com", "Maya", "Lindqvist", "pro")
    podcast.add_user(MAYA.replace("1", "2"), "maya.chen1251@example.com", "Maya", "Chen", "pro")
    assert found("maya")[:2] == ["m.lindqvist@example.com", "maya.chen1251@example.com"]
    assert len(found("maya")) == 8


@pytest.mark.parametrize("text", ["MAYA LIND", "lindqvist", "m.lind", "M.LINDQVIST@example.com", MAYA.upper()])
def test_a_person_is_found_by_name_mail_and_id(db: None, text: str) -> None:
    """In any case, by whole words or their beginnings."""
    podcast.add_user(MAYA, "m.lindqvist@example.com", "Maya", "Lindqvist", "pro")
    podcast.add_user(MAYA.replace("1", "2"), "other@example.com", "", "", "pro")
    assert found(text) == ["m.lindqvist@example.com"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "100%", "\x00", " "])
def test_wildcards_are_text(db: None, text: str) -> None:
    """What LIKE would understand is searched as it is."""
    podcast.add_user(MAYA, "m.lindqvist@example.com", "Maya", "Lindqvist", "pro")
    assert found(text) == []


def test_a_large_table_without_the_index_of_parts_is_searched_by_beginnings(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading every row for a part of a text is left to small tables and to the index."""
    crowd(50)
    podcast.add_user(MAYA, "m.lindqvist@example.com", "Maya", "Lindqvist", "pro")
    monkeypatch.setattr(schema, "_SMALL", 10)
    schema.forget()
    assert found("indqvist") == []
    assert found("lindq") == found("maya") == found("m.li") == ["m.lindqvist@example.com"]


def test_missing_indexes_are_named_and_made(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sources check` and the system check name them, `create-indexes` makes them, and a search uses them."""
    out = io.StringIO()
    call_command("sources", "check", stdout=out)
    assert 'directory (public."user")\n  search: an index is missing' in out.getvalue()
    assert 'CREATE INDEX CONCURRENTLY "user_ops_email"' in out.getvalue()
    named = {message.hint for message in checks.check_directory(["default"])}
    assert named == set(indexes.missing_indexes().values())
    try:
        with connection.cursor() as cursor:
            for statement in indexes.statements():
                cursor.execute(statement)
        schema.forget()
        assert indexes.statements() == [] and checks.check_directory(["default"]) == []
        monkeypatch.setattr(schema, "_SMALL", 10)
        crowd(3_000)
        schema.forget()
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN SELECT id FROM public.\"user\" WHERE lower(email::text) LIKE 'a17%' LIMIT 200")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "user_ops_email" in plan
    finally:
        with connection.cursor() as cursor:
            for name in ("email", "name", "last_name", "tier"):
                cursor.execute(f"DROP INDEX IF EXISTS public.user_ops_{name}")
        podcast.empty_tables()


def test_trigrams_serve_parts_of_texts(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pg_trgm one index of parts is asked for in place of those of beginnings, and parts are found again."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION pg_trgm")
        try:
            schema.forget()
            assert set(indexes.missing_indexes()) == {"user_ops_email", "user_ops_text", "user_ops_tier"}
            for statement in indexes.statements():
                cursor.execute(statement)
            crowd(50)
            podcast.add_user(MAYA, "m.lindqvist@example.com", "Maya", "Lindqvist", "pro")
            monkeypatch.setattr(schema, "_SMALL", 10)
            schema.forget()
            assert found("indqvist") == ["m.lindqvist@example.com"]
            assert found("li") == ["m.lindqvist@example.com"]
        finally:
            cursor.execute("DROP INDEX IF EXISTS public.user_ops_email, public.user_ops_text, public.user_ops_tier")
            cursor.execute("DROP EXTENSION pg_trgm CASCADE")
            podcast.empty_tables()


def test_a_column_that_is_no_text_gets_no_index(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping to columns that cannot be indexed asks for nothing that would fail."""
    mapping = indexes.current()
    live = schema.live_directory(mapping)
    odd = schema.LiveDirectory(types=live.types | {mapping.email: "jsonb", mapping.tier: "jsonb"})
    assert indexes.wanted_indexes(mapping, odd) == {}
    assert indexes.wanted_indexes(mapping, schema.LiveDirectory()) == {}


def test_a_large_table_that_was_never_analyzed_is_not_small(db: None) -> None:
    """Its statistics count -1 rows; its size is what counts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE public.never_analyzed WITH (autovacuum_enabled = false) AS "
            "SELECT repeat('x', 50) AS email FROM generate_series(1, 30000)"
        )
        try:
            assert not schema._read("public.never_analyzed").small
        finally:
            cursor.execute("DROP TABLE public.never_analyzed")
