"""An open page while the console's server or its database does not answer: it says so, and recovers by itself."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from embedded import places
from embedded.account import ordinary_account
from tests.system import System, running_system
from tests.waiting import until

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.process]
# Long enough for a busy machine; nothing is measured.
PATIENCE_MS = 60_000
KEEP_NOTICES = """const toasts = document.getElementById("toasts");
new MutationObserver(() => localStorage.setItem("said", toasts.innerText)).observe(toasts, { childList: true });"""


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with places.throwaway(ordinary_account()) as home, running_system(home) as running:
        yield running


@pytest.fixture(autouse=True)
def logs(system: System) -> Iterator[None]:
    """What the console has logged: pytest shows it beside a failure."""
    yield
    web = next(each for each in system.supervisor.started if each.name == "web")
    print(web.log_tail(40))


@pytest.fixture(scope="module")
def overview(browser: Browser, system: System) -> Iterator[Page]:
    """The overview, live, signed in as an operator."""
    context = browser.new_context(base_url=system.console_url)
    page = context.new_page()
    page.goto("/")
    page.locator("input[name=login]").fill("operator")
    page.locator("input[name=password]").fill(system.passwords["operator"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)
    expect(page.locator("#live-state")).to_have_text("Live", timeout=PATIENCE_MS)
    yield page
    context.close()


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Processes stopped as by SIGSTOP: their sockets stay open, and nothing is answered."""
    stopped = []
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def tree(pid: int) -> list[int]:
    """A process and all that it started, parents first."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in tree(int(child)))]


def pid_of(system: System, name: str) -> int:
    process = next(each for each in [*system.supervisor.started, system.servers.postgres.process] if each.name == name)
    assert process.pid is not None
    return process.pid


def notes(page: Page) -> set[str]:
    """What the panels say of their data; every panel says something."""
    panels = page.locator("main .panel")
    said = [panels.nth(index).locator("[data-note]").inner_text() for index in range(panels.count())]
    assert len(said) >= 5
    return set(said)


def test_a_frozen_server_is_shown_and_recovers(system: System, overview: Page) -> None:
    """The header says Disconnected, all panels name one time for their data, a click says that it waits; then Live."""
    state = overview.locator("#live-state")
    # A page that is being left answers Playwright no more: a second tab reads what the first one keeps.
    second = overview.context.new_page()
    second.goto("/system/")
    overview.evaluate(KEEP_NOTICES)
    with frozen(tree(pid_of(system, "web"))):
        expect(state).to_have_text("Disconnected", timeout=PATIENCE_MS)
        (said,) = notes(overview)
        assert said.startswith("Disconnected. Data as of ")
        overview.evaluate("setTimeout(() => document.querySelector('#rail a[data-key=f]').click())")
        until(lambda: "Waiting" in second.evaluate("localStorage.getItem('said') || ''"), 60, "the notice")
    second.close()
    overview.wait_for_url("**/flags/", timeout=PATIENCE_MS)
    overview.goto("/")
    expect(state).to_have_text("Live", timeout=PATIENCE_MS)


def test_a_frozen_database_is_shown_and_recovers(system: System, overview: Page) -> None:
    """Connections that stay open without an answer are no connection; the page goes on by itself afterwards."""
    state = overview.locator("#live-state")
    expect(state).to_have_text("Live", timeout=PATIENCE_MS)
    with frozen(tree(pid_of(system, "postgres"))):
        expect(state).to_have_text("Disconnected", timeout=PATIENCE_MS)
        (said,) = notes(overview)
        assert said.startswith("Disconnected. Data as of ")
    expect(state).to_have_text("Live", timeout=PATIENCE_MS)
    expect(overview.locator("[data-note]:visible")).to_have_count(0, timeout=PATIENCE_MS)


def test_a_stopped_database_is_shown_and_recovers(system: System, overview: Page) -> None:
    """With the database gone the open page says so by itself, and goes on by itself when it is back."""
    state = overview.locator("#live-state")
    expect(state).to_have_text("Live", timeout=PATIENCE_MS)
    system.servers.postgres.stop()
    try:
        expect(state).to_have_text("Disconnected", timeout=PATIENCE_MS)
        (said,) = notes(overview)
        assert said.startswith("Disconnected. Data as of ")
        assert "database" in (state.get_attribute("title") or "")
    finally:
        system.servers.postgres.start()
    expect(state).to_have_text("Live", timeout=PATIENCE_MS)
    expect(overview.locator("[data-note]:visible")).to_have_count(0, timeout=PATIENCE_MS)
