"""Signing in, the account's own pages, Access, audit and Django's admin in a real browser, under the real policy."""

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ops_console.access.models import User
from ops_console.access.roles import Role
from tests.console.conftest import PASSWORD, make_person
from tests.console.gallery.serving import served

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def console(page: Page) -> Iterator[str]:
    """The address of a console to which the browser is signed in as an admin; fails on what the policy blocked."""
    blocked: list[str] = []
    page.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: blocked.append(str(error)))
    make_person(Role.ADMIN)
    with served() as url:
        page.goto(f"{url}/accounts/login/?next=/access/")
        page.get_by_label("User name or mail address").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).to_have_url(f"{url}/access/")
        yield url
        page.goto("about:blank")
    assert blocked == []


@pytest.mark.parametrize(
    "path", ["/access/", "/access/invite/", "/audit/", "/accounts/2fa/", "/accounts/sessions/", "/accounts/password/"]
)
def test_axe_finds_nothing_and_nothing_overflows(page: Page, console: str, path: str) -> None:
    """Each page passes axe's rules, and does not scroll sideways at 360 px."""
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(console + path)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_person_is_deactivated_in_a_dialog(page: Page, console: str) -> None:
    """The question opens beside the page, says what will happen, and does it."""
    person = make_person(Role.VIEWER)
    page.goto(f"{console}/access/{person.pk}/")
    page.get_by_role("link", name="Deactivate").click()
    expect(page.locator("#dialog")).to_contain_text("signed out everywhere")
    page.get_by_role("button", name="Deactivate").click()
    expect(page.locator("#toasts")).to_contain_text("viewer is shut out")
    assert not User.objects.get(pk=person.pk).is_active


def test_admin_works_under_the_policy(page: Page, console: str) -> None:
    """Django's admin needs nothing inline: its two-list widget moves a group, and the form saves."""
    person = make_person(Role.VIEWER)
    page.goto(f"{console}/admin/auth/group/add/")
    page.get_by_label("Name").fill("beta")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(f"{console}/admin/access/user/{person.pk}/change/")
    page.locator("#id_groups_from").select_option(label="beta")
    page.locator(".selector-add").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    assert person.groups.get().name == "beta"


def test_sign_in_page_logs_nothing_where_the_console_has_a_name(page: Page) -> None:
    """Passkeys are offered without an error in the browser's log; on an address they would be refused."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    with served() as url:
        page.goto(url.replace("127.0.0.1", "localhost") + "/accounts/login/")
        expect(page.get_by_role("button", name="Use a passkey")).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.goto("about:blank")
    assert said == []
