"""Limits of reads: the shorter of two holds, a page sets one for all its panels, and it ends with the page."""

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from ops_console import directory
from ops_console.access.roles import Role
from ops_console.query_timeout import TooSlow, limited, shared_limit
from tests import podcast
from tests.database import dsn
from tests.people import signed_in


def setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def timeout() -> str:
    return setting("statement_timeout")


def sleep() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")


@pytest.mark.django_db
def test_a_longer_limit_inside_does_not_extend_the_one_around_it() -> None:
    """A search allows a kind 700 ms: a list that it asks may not take its own ten seconds."""
    with limited(500, "The page"), limited(10_000, "The list"):
        assert timeout() == "500ms"
    with limited(500, "The page"):
        with limited(100, "The list"):
            assert timeout() == "100ms"
        assert timeout() == "500ms"


@pytest.mark.django_db
def test_reading_in_order_holds_inside_a_shorter_limit() -> None:
    """A search that asks a list for its rows gets the list's plan, within the search's own limit."""
    before = setting("enable_sort")
    with shared_limit(500):
        with limited(10_000, "The list", in_order=True):
            assert (setting("enable_sort"), timeout()) == ("off", "500ms")
        with limited(10_000, "Another"):
            assert (setting("enable_sort"), timeout()) == (before, "500ms")


@pytest.mark.django_db
def test_the_limit_around_is_named_by_its_time() -> None:
    """The message tells the time that was allowed, not the longer one that was asked for."""
    expected = pytest.raises(TooSlow, match=r"The list was not found within 0\.02 s")
    with shared_limit(20), expected, limited(10_000, "The list"):
        sleep()


@pytest.mark.django_db(transaction=True)
def test_a_shared_limit_is_set_once_and_ends_with_the_page() -> None:
    """Reads inside need no transaction; one that is too slow leaves the connection to the others."""
    before = timeout()
    with CaptureQueriesContext(connection) as captured, shared_limit(50):
        with limited(50, "One"):
            assert timeout() == "50ms"
        with pytest.raises(TooSlow), limited(50, "Another"):
            sleep()
        with limited(1_000, "The last"):
            assert timeout() == "50ms"
    set_and_reset = [each for each in captured if "set_config" in each["sql"]]
    assert len(set_and_reset) == 2 and len(captured) == 5
    assert timeout() == before


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_lost_under_a_shared_limit_is_replaced() -> None:
    """What comes after has a connection without the limit."""
    before = timeout()
    with shared_limit(500), pytest.raises(DatabaseError), limited(500, "One"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        with psycopg.connect(dsn(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        cursor.execute("SELECT 1")
    assert timeout() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/", "/system/", "/alerts/", "/search/?q=maya"])
def test_a_page_sets_its_limit_once(path: str) -> None:
    """Not for each of its panels or kinds, in a transaction of its own each. A count has a shorter limit of its own."""
    client = signed_in(Role.VIEWER)
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    limits = [each["sql"] for each in captured if "set_config" in each["sql"]]
    assert len([each for each in limits if "false" in each]) == 2
    assert len(limits) <= 3


@pytest.mark.django_db
def test_users_are_searched_in_one_statement_beside_the_look_up_of_an_id() -> None:
    """However many ways there are to match."""
    podcast.add_user("11111111-1111-4111-8111-111111111111", "m@example.com", "Maya", "Lindqvist", "pro")
    directory.find("maya")
    with CaptureQueriesContext(connection) as captured:
        assert [person.email for person in directory.find("maya")] == ["m@example.com"]
    assert len([each for each in captured if 'FROM "public"."user"' in each["sql"]]) == 1
