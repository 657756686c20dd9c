"""The database cannot be reached: each request waits for it once, and the log tells the outage, not each request."""

import logging
from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from psycopg_pool import ConnectionPool, PoolTimeout

from ops_console import migrated
from ops_console.access.models import User
from ops_console.runtime import bounded_connection
from ops_console.runtime.outage import outage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float | None]]:
    """A pool that hands out nothing; the waits that it was asked for."""
    asked: list[float | None] = []

    def refuse(pool: ConnectionPool, timeout: float | None = None) -> None:
        asked.append(timeout)
        raise PoolTimeout("couldn't get a connection")

    monkeypatch.setattr(migrated._WATCH, "_migrated", True)
    connection.close()
    with patch.object(ConnectionPool, "getconn", refuse):
        yield asked
    outage.is_over()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("path", ["/", "/flags/", "/live/status", "/api/v1/flags/"])
def test_a_request_waits_for_the_database_once(away: list[float | None], path: str, accept: str) -> None:
    """The answer, its log record and the error page ask no second time; a wait is as long as the pool's timeout."""
    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = "a-session-that-nobody-can-read"
    assert client.get(path, headers={"Accept": accept}).status_code == 503
    assert away == [None]


def test_an_outage_is_logged_at_its_start_and_its_end(
    operator: User, signed_in: Callable[[User], Client], caplog: pytest.LogCaptureFixture
) -> None:
    """One line each, however many requests there are; no traceback."""
    client = signed_in(operator)
    client.raise_request_exception = False
    refused = patch.object(ConnectionPool, "getconn", side_effect=PoolTimeout("couldn't get a connection"))
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            with refused:
                connection.close()
                assert [client.get("/live/status").status_code for _ in range(3)] == [503] * 3
            assert [client.get("/live/status").status_code for _ in range(3)] == [200] * 3
    said = [record.getMessage() for record in caplog.records]
    assert sum("database_unreachable" in each for each in said) == 2
    assert sum("database_reachable_again" in each for each in said) == 2
    assert [record for record in caplog.records if record.exc_info or "Traceback" in record.getMessage()] == []


def test_a_request_waits_no_longer_than_three_seconds() -> None:
    """The pool's timeout, and the check of the last connection that it tried."""
    pool = settings.DATABASES["default"]["OPTIONS"]["pool"]
    assert pool["timeout"] + bounded_connection.CHECK_SECONDS <= 3
