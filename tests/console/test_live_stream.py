"""The event stream over a real connection to a real ASGI server."""

from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from ops_console.live import publish
from tests.console.gallery import fixtures
from tests.console.gallery.serving import served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site() -> Iterator[str]:
    with fixtures.installed(), served() as url:
        yield url


@pytest.fixture
def cookie() -> str:
    client = Client()
    client.force_login(get_user_model().objects.create_user("ann", "ann@example.org", "x" * 20, role="viewer"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def get(site: str, path: str, cookie: str = "") -> HTTPResponse:
    connection = HTTPConnection(urlsplit(site).netloc, timeout=10)
    connection.request("GET", path, headers={"Cookie": cookie})
    return connection.getresponse()


def read_until(stream: HTTPResponse, line: str) -> None:
    while (read := stream.readline().decode()) != line:
        assert read, "the stream ended"


def test_a_published_topic_reaches_an_open_page(site: str, cookie: str) -> None:
    """NOTIFY in the database comes out as a server-sent event of that name."""
    with get(site, "/live", cookie) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        read_until(stream, "event: refresh\n")
        publish("breakers")
        read_until(stream, "event: breakers\n")


def test_a_stream_is_for_those_who_are_signed_in(site: str) -> None:
    """Without a session there is no stream, only the way to the sign-in page."""
    with get(site, "/live") as answer:
        assert answer.status == 302


def test_a_sign_out_ends_the_streams_of_its_pages(site: str) -> None:
    """The server closes them, and without the session the browser does not get another."""
    client = Client()
    client.force_login(get_user_model().objects.create_user("ann", "ann@example.org", "x" * 20, role="viewer"))
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    with get(site, "/live", cookie) as stream:
        read_until(stream, "event: refresh\n")
        client.post("/accounts/logout/")
        while stream.readline():
            pass
    with get(site, "/live", cookie) as answer:
        assert answer.status == 302


def test_open_pages_hold_no_database_connection(site: str, cookie: str) -> None:
    """More pages may stay open than the pool has connections, and the next page is still answered."""
    pool = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    with ExitStack() as open_pages:
        for _ in range(pool + 2):
            stream = open_pages.enter_context(get(site, "/live", cookie))
            assert stream.readline().startswith(b"retry")
        with get(site, "/", cookie) as page:
            assert page.status == 200
