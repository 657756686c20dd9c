"""Suggestions of the search box in a browser: keyboard and mouse."""

import os

import pytest
from playwright.sync_api import Page, expect

from flags.models import Flag
from ops_console.access.models import User
from tests.console.browsing import signed_in_browser

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = pytest.mark.browser


def test_typing_suggests_and_the_keyboard_chooses(transactional_db: None, viewer: User, page: Page) -> None:
    """The combobox: arrow keys choose, Enter opens, Escape closes, and the list is announced."""
    flag = Flag.objects.create(name="checkout_new")
    with signed_in_browser(page, viewer) as here:
        here.keyboard.press("/")
        box = here.get_by_role("combobox", name="Search")
        box.press_sequentially("check")
        option = here.get_by_role("option", name="checkout_new")
        expect(option).to_be_visible()
        expect(box).to_have_attribute("aria-expanded", "true")
        box.press("ArrowDown")
        expect(option).to_have_attribute("aria-selected", "true")
        expect(box).to_have_attribute("aria-activedescendant", "suggestion-1")
        box.press("Escape")
        expect(here.get_by_role("listbox")).to_be_hidden()
        box.press("ArrowDown")
        expect(option).to_be_visible()
        box.press("ArrowDown")
        box.press("Enter")
        here.wait_for_url(f"**/flags/{flag.pk}/")


def test_a_click_on_a_suggestion_opens_it(transactional_db: None, viewer: User, page: Page) -> None:
    """The list closes when the box is left, but not before a click in it has worked."""
    flag = Flag.objects.create(name="checkout_new")
    with signed_in_browser(page, viewer) as here:
        here.get_by_role("combobox", name="Search").press_sequentially("check")
        here.get_by_role("option", name="checkout_new").click()
        here.wait_for_url(f"**/flags/{flag.pk}/")
