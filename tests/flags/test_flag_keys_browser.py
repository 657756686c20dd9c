"""The flags' list and editor by keyboard: `t` toggles, `z` undoes, and unsaved edits are not lost by a click."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, expect

from flags import services
from flags.models import Flag, State
from ops_console.access.roles import Role
from tests.console.browsing import live, signed_in_browser
from tests.people import actor, person

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def flag() -> Flag:
    return services.create(actor(), "player", {"rules": [{"name": "all"}]}, State.RULES)


@pytest.fixture
def here(page: Page, flag: Flag) -> Iterator[Page]:
    with signed_in_browser(page, person(Role.OPERATOR)) as signed_in:
        yield signed_in


def test_t_toggles_the_row_and_z_undoes_with_one_toast(here: Page, flag: Flag) -> None:
    """Two keys, and each change has one notice: an Undo used to show its own twice."""
    here.goto(here.url.rstrip("/") + "/flags/")
    live(here)
    switch = here.get_by_role("switch", name="player")
    here.keyboard.press("j")
    here.keyboard.press("t")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(here.locator("#toasts [data-toast]")).to_have_count(1)
    here.keyboard.press("z")
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(here.locator("#toasts [data-toast]")).to_have_count(1)
    expect(here.locator("#toasts")).to_contain_text("goes by its rules")
    here.keyboard.press("?")
    expect(here.locator("#keys")).to_contain_text("Toggle the row's switch")
    expect(here.locator("#keys")).to_contain_text("Undo the last change")


def test_leaving_with_unsaved_edits_asks(here: Page, flag: Flag) -> None:
    """A tab of the flag's page is a link like any other; saving does not ask."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    here.on("dialog", stay)
    here.goto(here.url.rstrip("/") + f"/flags/{flag.pk}/settings/")
    here.get_by_role("link", name="Variants").click()
    here.wait_for_url("**/variants/")
    here.go_back()
    here.get_by_label("Owner").fill("growth")
    here.get_by_role("link", name="Variants").click(no_wait_after=True)
    expect(here.get_by_label("Owner")).to_have_value("growth")
    assert asked == ["beforeunload"]
    here.get_by_role("button", name="Save").click()
    expect(here.locator("#toasts")).to_contain_text("player is saved.")
    assert asked == ["beforeunload"]
    here.get_by_role("link", name="Variants").click()
    here.wait_for_url("**/variants/")
