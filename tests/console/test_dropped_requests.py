"""Browsers that disconnect before they are answered: the real server, whose pool must keep all its connections."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import psycopg
import pytest
from django.conf import settings

from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.database import dsn
from tests.people import signed_in
from tests.serving import serving
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]
POOL_SIZE = 3
ROUNDS = 34
Count = Callable[[str], int]


@pytest.fixture
def count() -> Iterator[Count]:
    """How many of the web process's connections meet an SQL condition; this process has some with the same name."""
    with psycopg.connect(dsn(), autocommit=True) as connection:
        ours = "datname = current_database() AND application_name = 'ops_console'"
        before = [pid for (pid,) in connection.execute(f"SELECT pid FROM pg_stat_activity WHERE {ours}".encode())]

        def counted(condition: str) -> int:
            statement = f"SELECT count(*) FROM pg_stat_activity WHERE {ours} AND pid <> ALL(%s) AND {condition}"
            found = connection.execute(statement.encode(), [before]).fetchone()
            assert found
            return int(found[0])

        yield counted


@pytest.fixture
def web(count: Count) -> Iterator[httpx.Client]:
    """A signed-in client of a web process with a small pool."""
    cookie = signed_in(Role.VIEWER).cookies[settings.SESSION_COOKIE_NAME].value
    with serving(DATABASE_POOL_SIZE=str(POOL_SIZE)) as (_, client):
        client.headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={cookie}"
        assert client.get("/flags/").status_code == 200
        yield client


def begin(web: httpx.Client, path: str) -> socket.socket:
    """A request that has been sent, of which nothing has been read."""
    browser = socket.socket()
    browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    browser.connect((web.base_url.host, web.base_url.port))
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nCookie: {web.headers['Cookie']}\r\n\r\n"
    browser.sendall(head.encode())
    return browser


def require_whole_pool(web: httpx.Client, count: Count) -> None:
    """No connection is busy any more, there are no more than the pool's, and each of them serves."""
    until(lambda: count("state <> 'idle'") == 0, 20, "every connection to be idle")
    assert count("true") <= POOL_SIZE
    with psycopg.connect(dsn()) as lock, ThreadPoolExecutor(POOL_SIZE) as browsers:
        lock.execute("LOCK TABLE ops.django_session IN ACCESS EXCLUSIVE MODE")
        asked = [browsers.submit(web.get, "/flags/") for _ in range(POOL_SIZE)]
        until(lambda: count("wait_event_type = 'Lock'") == POOL_SIZE, 3, "all connections to be in use at once")
        lock.rollback()
        assert [each.result().status_code for each in asked] == [200] * POOL_SIZE


def test_requests_dropped_while_a_statement_runs_keep_no_connection(web: httpx.Client, count: Count) -> None:
    """Some in a statement, some while they wait for a connection; more than 100 in all."""
    for _ in range(ROUNDS):
        with psycopg.connect(dsn()) as lock:
            lock.execute("LOCK TABLE ops.django_session IN ACCESS EXCLUSIVE MODE")
            browsers = [begin(web, "/flags/") for _ in range(POOL_SIZE + 1)]
            until(lambda: count("wait_event_type = 'Lock'") == POOL_SIZE, 10, "requests inside a statement")
            for browser in browsers:
                browser.close()
    require_whole_pool(web, count)


def test_downloads_and_streams_dropped_in_the_middle_keep_no_connection(web: httpx.Client, count: Count) -> None:
    """A CSV that is longer than all buffers, and the event stream, dropped after the first bytes."""
    text = "x" * 1000
    Entry.objects.bulk_create(
        [Entry(actor="oscar", via="web", action="flag.on", target_id=str(n), reason=text) for n in range(10_000)]
    )
    for _ in range(ROUNDS):
        for path in ("/audit/?format=csv", "/live"):
            with closing(begin(web, path)) as browser:
                browser.settimeout(20)
                assert browser.recv(12) == b"HTTP/1.1 200"
    require_whole_pool(web, count)
