"""Statements that come again are planned once, and Django's own never are."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from ops_console.prepared import MOST_KEPT, prepared_cursor
from tests.database import dsn

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = "prepared_animals"
READ = f"SELECT name FROM {TABLE} WHERE name <> 'mole'"


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    # The pool may hand out statements of another test. A rollback makes psycopg deallocate and forget them;
    # it notices a `DEALLOCATE ALL` of ours only the first time on each connection.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (name text)")
        cursor.execute(f"INSERT INTO {TABLE} VALUES ('whale'), ('mole')")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {TABLE}")


def read() -> list[tuple[str]]:
    with prepared_cursor() as cursor:
        cursor.execute(READ)
        return list(cursor.fetchall())


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def test_a_statement_that_comes_again_is_prepared() -> None:
    """The first times it is not: most statements never come again."""
    assert read() == [("whale",)] and prepared() == []
    assert [read(), read()] == [[("whale",)]] * 2 and prepared() == [READ]
    assert read() == [("whale",)]


def test_django_s_own_cursors_prepare_nothing() -> None:
    """A setting of ours changes nothing for the rest."""
    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute(READ)
    assert prepared() == []


def test_few_are_kept() -> None:
    """Each holds memory of the server's."""
    for number in range(MOST_KEPT + 5):
        for _ in range(4):
            with prepared_cursor() as cursor:
                cursor.execute(f"SELECT {number}")
    assert len(prepared()) <= MOST_KEPT + 1


def test_it_is_counted_like_any_query() -> None:
    """Tests that count a page's queries see it, prepared or not."""
    for _ in range(4):
        with CaptureQueriesContext(connection) as captured:
            read()
        assert len(captured) == 3  # begin, the statement, commit


def test_a_column_of_another_type_fails_once() -> None:
    """The plan that no longer fits is forgotten with the transaction."""
    for _ in range(4):
        read()
    with psycopg.connect(dsn(), autocommit=True) as somebody_else:
        somebody_else.execute(f"ALTER TABLE ops.{TABLE} ALTER name TYPE varchar(20)")
    with pytest.raises(DatabaseError, match="cached plan"):
        read()
    assert read() == [("whale",)]
