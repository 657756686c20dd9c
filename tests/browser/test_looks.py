"""Every page, full of the demo's data: nothing for axe to find, nothing wider than the screen, in both themes."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.system import System

pytestmark = pytest.mark.browser
LOOKS = {"light": {"width": 1440, "height": 900}, "dark": {"width": 360, "height": 780}}
PAGES = [
    "/",
    "/flags/",
    "/flags/1/",
    "/flags/1/rules/",
    "/flags/1/variants/",
    "/flags/1/why/?user=17",
    "/flags/1/history/",
    "/flags/1/settings/",
    "/flags/new/",
    "/flags/undefined/",
    "/flags/segments/",
    "/flags/segments/new/",
    "/operations/",
    "/operations/actions/",
    "/operations/dead-letters/",
    "/breakers/",
    "/breakers/gemini/",
    "/alerts/",
    "/quotas/",
    "/quotas/tiers/",
    "/quotas/resources/",
    "/quotas/storage/",
    "/quotas/overrides/import/",
    "/quotas/overrides/many/",
    "/audit/",
    "/system/",
    "/access/",
    "/access/invite/",
    "/access/tokens/",
    "/access/tokens/new/",
    "/api/v1/docs",
    "/accounts/2fa/",
    "/search/?q=a",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_fit_to_be_shown(system: System, as_role: SignIn, path: str) -> None:
    """A page answers, passes axe's rules, and does not scroll sideways: light and wide, dark and narrow."""
    page = as_role("admin")
    look_at(page, path)


def test_a_users_page_is_fit_to_be_shown(system: System, as_role: SignIn) -> None:
    """The page of the user with the longest mail, whose limits refused something, is as fit as the others."""
    (user,) = system.sql('SELECT id::text FROM public."user" ORDER BY length(email) DESC LIMIT 1')[0]
    columns = 'resource, user_id, key, route, client, request_id, "limit", source, policy, count'
    known = f"'audio_kept', '{user}', '{user}', 'POST /api/episodes', '192.0.2.9', 'r-1', 3600, 'tier', 'free', 12"
    system.sql(f"INSERT INTO ops.quotas_refusal ({columns}) VALUES ({known}) RETURNING id")
    page = as_role("admin")
    look_at(page, f"/quotas/users/{user}/")
    expect(page.locator("#quota-refusals")).to_contain_text("Tight loop")
    expect(page.get_by_role("button", name="Copy").first).to_be_attached()


def look_at(page: Page, path: str) -> None:
    for theme, viewport in LOOKS.items():
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        answer = page.goto(path)
        assert answer and answer.ok
        found = Axe().run(page)
        assert found.violations_count == 0, f"{theme}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], theme
