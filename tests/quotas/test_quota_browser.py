"""The quota pages in a real browser: dates in the zone of the person, and tables on a phone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ops_console.access.models import User
from ops_console.access.roles import Role
from quotas.models import Override, Refusal
from tests.console.gallery.serving import served

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TOO_WIDE = """
[...document.querySelectorAll(".table-wrap")]
    .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth)
    .map((one) => one.getAttribute("aria-label"))
"""
PASSWORD = "correct horse battery staple"


@contextmanager
def signed_in(browser: Browser, role: Role, **options: Any) -> Iterator[Page]:
    """A page of the console with a session of a new user."""
    name = f"olga_{role}"
    User.objects.create_user(name, f"{name}@example.org", PASSWORD, role=role)
    with served() as console, browser.new_context(base_url=console, **options) as context:
        page = context.new_page()
        page.goto("/accounts/login/?next=/quotas/")
        page.get_by_label("User name or mail address").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/quotas/")
        yield page


def test_a_typed_date_is_the_end(browser: Browser, resources, hanna) -> None:
    """Typing a date chooses "Custom date", choosing another end clears it; the date is Tokyo's, with UTC beside it."""
    with signed_in(browser, Role.OPERATOR, timezone_id="Asia/Tokyo") as page:
        page.goto(f"/quotas/users/{hanna.id}/")
        page.get_by_role("link", name="Override of API calls").click()
        ends, custom = page.get_by_label("Ends"), page.get_by_label("Custom date (Asia/Tokyo)")
        expect(ends).to_have_value("7")
        custom.fill("2099-07-02T03:00")
        expect(ends).to_have_value("until")
        expect(page.locator("output.utc")).to_have_text("2099-07-01 18:00 UTC")
        ends.select_option("good")
        expect(custom).to_have_value("")
        expect(page.locator("output.utc")).to_have_text("")
        custom.fill("2099-07-02T03:00")
        page.get_by_label("Limit, in calls").fill("120")
        page.get_by_label("Reason").fill("a launch")
        page.get_by_role("button", name="Save override").click()
        expect(page.get_by_text("120 calls until 2099-07-02 03:00 JST (2099-07-01 18:00 UTC).")).to_be_visible()
    assert Override.objects.get(user_id=hanna.id).expires_at == datetime(2099, 7, 1, 18, tzinfo=UTC)


def test_no_table_is_wider_than_a_phone(browser: Browser, resources, hanna, allow) -> None:
    """At 360 px every table of the quota pages fits, so that its actions are in sight."""
    allow(hanna, "api_calls", 7)
    allow(hanna, "api_calls", 8, version=1)
    given = {"route": "GET /episodes/{episode_id}/audio", "client": "podcast-app/4.1 (iPhone; iOS 19)", "key": "k" * 30}
    Refusal.objects.create(resource="api_calls", user_id=hanna.id, source="tier", policy="pro", limit=600, **given)
    with signed_in(browser, Role.ADMIN, viewport={"width": 360, "height": 740}) as page:
        for path in ("", f"?q={hanna.email}", f"users/{hanna.id}/", "tiers/", "resources/", "storage/"):
            page.goto(f"/quotas/{path}")
            assert page.evaluate(TOO_WIDE) == [], path
        page.goto(f"/quotas/users/{hanna.id}/")
        box = page.get_by_role("button", name="Copy the sentence to send").bounding_box()
        assert box and box["x"] + box["width"] <= 360
        page.set_viewport_size({"width": 1440, "height": 900})
        tops = page.locator(".limits > li").evaluate_all("items => items.map(item => item.offsetTop)")
        assert len(set(tops)) == 1
