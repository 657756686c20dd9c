"""A database that accepts connections and answers nothing: the console notices, and nothing hangs."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from ops_console.live import listener
from ops_console.runtime import bounded_connection
from ops_console.runtime.bounded_connection import connection_class, without_bound
from tests.proxy import Line, tcp_line

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def line() -> Iterator[Line]:
    given = connection.get_connection_params()
    with tcp_line(f"{given['host']}/.s.PGSQL.{given.get('port') or 5432}") as made:
        yield made


def by_tcp(line: Line) -> dict[str, Any]:
    return {**connections.databases["default"], "HOST": "127.0.0.1", "PORT": line.port}


@pytest.fixture
def through(line: Line) -> Iterator[DatabaseWrapper]:
    """Django's connection over a line, with a statement timeout of 0.2 s."""
    given = by_tcp(line)
    options = {**given["OPTIONS"], "connect_timeout": 2}
    options["pool"] = {**options["pool"], "connection_class": connection_class(0.2)}
    wrapper = DatabaseWrapper({**given, "OPTIONS": options}, alias="silent")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def ask(through: DatabaseWrapper) -> Any:
    with through.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()


def test_a_statement_is_given_up_and_so_is_connecting(through: DatabaseWrapper, line: Line) -> None:
    """An error within seconds: a page says that the database is away, a task is tried again."""
    assert ask(through) == (1,)
    line.silence()
    for _ in range(2):
        with pytest.raises(OperationalError):
            ask(through)
        through.close_if_unusable_or_obsolete()


def test_a_connection_from_the_pool_is_checked_within_its_own_bound(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen server keeps its connections open: their check must not last as long as the longest statement may."""
    monkeypatch.setattr(bounded_connection, "CHECK_SECONDS", 0.2)
    given = by_tcp(line)
    pool = {**given["OPTIONS"]["pool"], "timeout": 0.5, "connection_class": connection_class(100_000)}
    wrapper = DatabaseWrapper({**given, "OPTIONS": {**given["OPTIONS"], "pool": pool}}, alias="frozen")
    try:
        assert ask(wrapper) == (1,)
        wrapper.close()
        line.silence()
        with pytest.raises(OperationalError):
            ask(wrapper)
    finally:
        wrapper.close()
        wrapper.close_pool()


def test_after_the_silence_the_next_page_works(through: DatabaseWrapper, line: Line) -> None:
    """The connection that did not answer is not used again."""
    assert ask(through) == (1,)
    line.cut()
    with pytest.raises(OperationalError):
        ask(through)
    through.close_if_unusable_or_obsolete()
    assert ask(through) == (1,)


def test_a_statement_may_take_as_long_as_it_needs(through: DatabaseWrapper) -> None:
    """VACUUM and the contract's SQL have no bound, and the next statement has it again."""
    with without_bound(through), through.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
    with pytest.raises(OperationalError), through.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")


def test_the_live_connection_notices(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears nothing for hours where all is well, so it asks."""
    given = {**listener._parameters(), "host": "127.0.0.1", "port": line.port}
    monkeypatch.setattr(listener, "_parameters", lambda: given)
    monkeypatch.setattr(listener, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(listener, "ANSWER_SECONDS", 0.3)

    async def listens() -> None:
        async for topics in listener.listen():
            assert topics == {"refresh"}
            line.silence()

    with pytest.raises(psycopg.OperationalError):
        asyncio.run(listens())


def test_every_connection_has_keepalives() -> None:
    """For a host that vanished; with a time for packets that nobody acknowledges."""
    options = settings.DATABASES["default"]["OPTIONS"]
    names = {"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "connect_timeout"}
    assert names <= options.keys()
    assert names <= listener._parameters().keys()
