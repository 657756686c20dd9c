"""A browser that is signed in to the console itself, on a real ASGI server, for tests of any app's pages."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from ops_console.access.models import User
from tests import podcast
from tests.console.gallery.serving import served


@contextmanager
def signed_in_browser(page: Page, user: User) -> Iterator[Page]:
    """The page, on the console's first page; fails on what the policy blocked and on any script's error."""
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    client = Client()
    client.force_login(user)
    with served() as url:
        name = settings.SESSION_COOKIE_NAME
        page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
        page.goto(url)
        yield page
        page.goto("about:blank")
    podcast.empty_tables()
    assert wrong == []


def live(page: Page) -> None:
    """Wait until the event stream is open: the refresh that it begins with is on its way."""
    expect(page.locator("#live-state")).to_have_text("Live")
