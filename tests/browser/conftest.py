"""One running system for every test of a file, and browsers that are signed in to it."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from embedded import places
from embedded.account import ordinary_account
from tests.system import System, running_system

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    # Not in pytest's own temporary directory, which is closed to the servers' user.
    with places.throwaway(ordinary_account()) as home, running_system(home) as running:
        yield running


@pytest.fixture(scope="session")
def sessions(browser: Browser, system: System) -> Iterator[dict[str, BrowserContext]]:
    """One signed-in browser context a role, kept: sign-in is throttled, for tests too."""
    made: dict[str, BrowserContext] = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def as_role(browser: Browser, system: System, sessions: dict[str, BrowserContext]) -> Iterator[SignIn]:
    """A page of the console, signed in as `viewer`, `operator` or `admin`; fails on what the policy blocked."""
    blocked: list[str] = []
    pages: list[Page] = []

    def sign_in(name: str = "operator") -> Page:
        if name not in sessions:
            sessions[name] = _signed_in(browser, system, name)
        page = sessions[name].new_page()
        page.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("pageerror", lambda error: blocked.append(str(error)))
        pages.append(page)
        return page

    yield sign_in
    for page in pages:
        page.close()
    assert blocked == []


def _signed_in(browser: Browser, system: System, name: str) -> BrowserContext:
    context = browser.new_context(base_url=system.console_url)
    page = context.new_page()
    page.goto("/")
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill(system.passwords[name])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)
    page.close()
    return context
