"""What the first page after signing in costs the network, with everything that it loads."""

from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.system import System

pytestmark = pytest.mark.browser
MOST_BYTES = 70_000
MOST_REQUESTS = 15
# For so long after it is live, a page is watched for what it fetches by itself.
WATCHED_MS = 1500


class Traffic:
    """Every request of a page, and the bytes that came over the wire, headers included."""

    def __init__(self, page: Page) -> None:
        self.requests: list[dict[str, Any]] = []
        self.size_bytes = 0
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", lambda event: self.requests.append(event["request"]))
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def _finished(self, event: dict[str, Any]) -> None:
        self.size_bytes += event["encodedDataLength"]

    def panels(self) -> Counter[str]:
        """How often each panel was fetched."""
        headers = [{name.lower(): value for name, value in each["headers"].items()} for each in self.requests]
        return Counter(each["hx-target"] for each in headers if "hx-target" in each)


def test_the_first_page_is_light(system: System, browser: Browser) -> None:
    """A browser without a cache signs in: all of the overview is at most 70 kB and 15 requests, a panel at most one."""
    context = browser.new_context(base_url=system.console_url)
    page = context.new_page()
    page.goto("/")
    page.locator("input[name=login]").fill("operator")
    page.locator("input[name=password]").fill(system.passwords["operator"])
    signed_in(page)
    # The page again, as the first that this browser ever loads: its sign-in page has left nothing in the cache.
    fresh = browser.new_context(base_url=system.console_url, storage_state=context.storage_state())
    page = fresh.new_page()
    traffic = Traffic(page)
    page.goto("/")
    expect(page.locator("#live-state")).to_have_text("Live")
    page.wait_for_timeout(WATCHED_MS)
    names = [each["url"].removeprefix(system.console_url) for each in traffic.requests]
    assert len(names) <= MOST_REQUESTS, names
    assert traffic.size_bytes <= MOST_BYTES, names
    assert all(count == 1 for count in traffic.panels().values()), traffic.panels()
    context.close()
    fresh.close()


def signed_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)


def test_a_page_is_not_read_twice(system: System, browser: Browser) -> None:
    """While the console listens already, a page that has just been read fetches no panel that did not change."""
    context = browser.new_context(base_url=system.console_url)
    page = context.new_page()
    page.goto("/")
    page.locator("input[name=login]").fill("viewer")
    page.locator("input[name=password]").fill(system.passwords["viewer"])
    signed_in(page)
    expect(page.locator("#live-state")).to_have_text("Live")
    traffic = Traffic(page)
    page.goto("/flags/")
    expect(page.locator("#live-state")).to_have_text("Live")
    page.wait_for_timeout(WATCHED_MS)
    assert traffic.panels() == {}
    context.close()
