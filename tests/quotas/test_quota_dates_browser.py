"""The end of an override in a real browser, in the zone of the person before it."""

import os
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from ops_console.access.models import User
from ops_console.access.roles import Role
from quotas.models import Override
from tests.console.gallery.serving import served

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery staple"


def test_a_typed_date_is_the_end(browser: Browser, resources, hanna) -> None:
    """Typing a date chooses "Custom date", choosing another end clears it; the date is Tokyo's, with UTC beside it."""
    User.objects.create_user("olga", "olga@example.org", PASSWORD, role=Role.OPERATOR)
    with served() as console, browser.new_context(timezone_id="Asia/Tokyo", base_url=console) as context:
        page = context.new_page()
        page.goto("/accounts/login/?next=/quotas/")
        page.get_by_label("User name or mail address").fill("olga")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
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
