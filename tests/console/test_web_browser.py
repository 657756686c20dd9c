"""The frame and the components in a real browser, on a real ASGI server."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Route, expect

from ops_console.live import publish
from tests.console.gallery import fixtures, views
from tests.console.gallery.serving import served

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# The stream's first word to a page is "refresh": until the list is read again for it, whatever a test changes may be
# shown, or taken away, by that reading.
READ_AGAIN = """document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id === "rows") document.documentElement.dataset.readAgain = "";
});"""
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 360, "height": 780}}


@pytest.fixture
def gallery(page: Page, django_user_model: Any) -> Iterator[Page]:
    """A signed-in operator's browser on the gallery, live. Fails on what the policy blocked."""
    blocked: list[str] = []
    page.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: blocked.append(str(error)))
    with fixtures.installed(), served() as url:
        sign_in(page, url, django_user_model)
        page.add_init_script(READ_AGAIN)
        page.goto(url + "/")
        expect(page.locator("#live-state")).to_have_text("Live")
        expect(page.locator("html[data-read-again]")).to_be_attached()
        yield page
        page.goto("about:blank")
    assert blocked == []


def sign_in(page: Page, url: str, model: Any) -> None:
    client = Client()
    client.force_login(model.objects.create_user("ann", "ann@example.org", "x" * 20, role="operator"))
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": url}])


@pytest.fixture
def rows() -> Iterator[list[dict[str, Any]]]:
    """The gallery's rows, to be changed by a test and put back after it."""
    before = [dict(row) for row in views.ROWS]
    yield views.ROWS
    views.ROWS[:] = before


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(gallery: Page, theme: Any, size: str) -> None:
    """Every component, in both themes and both sizes, passes axe's rules."""
    gallery.emulate_media(color_scheme=theme)
    gallery.set_viewport_size(SIZES[size])
    found = Axe().run(gallery)
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_in_what_opens(gallery: Page) -> None:
    """The dialog, the list of keys, the user menu and a toast pass too."""
    gallery.locator("#ask").click()
    expect(gallery.locator("#dialog")).to_be_visible()
    assert Axe().run(gallery).violations_count == 0
    gallery.keyboard.press("Escape")
    gallery.keyboard.press("?")
    expect(gallery.locator("#keys")).to_be_visible()
    assert Axe().run(gallery).violations_count == 0
    gallery.keyboard.press("Escape")
    gallery.locator(".user-button").click()
    gallery.evaluate("ops.toast({ text: 'Off for everyone.', level: 'ok', undo_url: '/undo', link_url: '/' })")
    assert Axe().run(gallery).violations_count == 0


def test_a_notice_outlives_the_button_that_was_pressed(gallery: Page) -> None:
    """When a refresh replaces the pressed button before its answer is there, the toast with Undo still shows."""
    said = '{"ops:toast": {"text": "Off for everyone.", "undo_url": "/undo"}}'
    gallery.route("**/pressed", lambda route: route.fulfill(status=204, headers={"HX-Trigger": said}))
    gallery.evaluate(
        """() => {
            const button = document.createElement("button");
            button.setAttribute("hx-post", "/pressed");
            button.setAttribute("hx-swap", "none");
            document.querySelector("main").append(button);
            htmx.process(button);
            button.click();
            button.remove();
        }"""
    )
    expect(gallery.locator("#toasts").get_by_role("button", name="Undo")).to_be_visible()


def test_nothing_is_wider_than_a_small_screen(gallery: Page) -> None:
    """At 360 px the page itself does not scroll sideways."""
    gallery.set_viewport_size(SIZES["narrow"])
    assert gallery.evaluate("document.documentElement.scrollWidth") == 360


def test_a_filter_changes_the_list_and_the_address(gallery: Page) -> None:
    """Typing filters in place; the URL is the view, without empty parameters; Back brings the list back."""
    gallery.locator("#id_q").fill("Episode 1")
    expect(gallery.locator("#rows tbody tr")).to_have_count(8)
    gallery.locator("#id_q").fill("Episode 12")
    expect(gallery.locator("#rows tbody tr")).to_have_count(1)
    assert gallery.url.endswith("/?q=Episode+12") or gallery.url.endswith("/?q=Episode%2012")
    gallery.go_back()
    expect(gallery.locator("#rows tbody tr")).to_have_count(8)


def test_a_filter_and_the_csv_follow_the_tab(gallery: Page) -> None:
    """What a tab has put into the address since the page was drawn stays under a filter, and is what the CSV holds."""
    gallery.locator(".tabs a", has_text="Dead").click()
    expect(gallery).to_have_url(re.compile(r"\?state=dead$"))
    gallery.locator("#id_q").fill("Episode 12")
    expect(gallery.locator("#rows tbody tr")).to_have_count(1)
    assert set(parse_qs(urlsplit(gallery.url).query)) == {"state", "q"}
    with gallery.expect_download() as download:
        gallery.get_by_role("link", name="CSV").click()
    asked = parse_qs(urlsplit(download.value.url).query)
    assert asked == {"state": ["dead"], "q": ["Episode 12"], "format": ["csv"]}


def test_paging_keeps_the_frame(gallery: Page) -> None:
    """The next page comes into the panel; the way back leads to the same rows."""
    first = gallery.locator("#rows tbody tr").first.inner_text()
    gallery.get_by_role("link", name="Next").click()
    expect(gallery.locator("#rows tbody tr").first).not_to_have_text(first)
    gallery.get_by_role("link", name="Previous").click()
    expect(gallery.locator("#rows tbody tr").first).to_contain_text("Episode 1")


def test_selecting_a_page_and_all_that_match(gallery: Page) -> None:
    """The bar counts what is selected, offers all that match, and taking one row out takes the offer back."""
    gallery.locator("[data-select-page]").check()
    expect(gallery.locator("[data-selected]")).to_have_text("8 selected")
    gallery.locator("[data-select-all]").check()
    expect(gallery.locator("[data-selected]")).to_have_text("All 2,326 that match selected")
    gallery.locator("[data-select-row]").first.uncheck()
    expect(gallery.locator("[data-selected]")).to_have_text("7 selected")
    expect(gallery.locator("[data-select-all]")).not_to_be_checked()


def test_a_change_shows_by_itself(gallery: Page, rows: list[dict[str, Any]]) -> None:
    """A notification of the database redraws the panel that follows its topic."""
    rows[0]["title"] = "Renamed"
    publish("operations")
    expect(gallery.locator("#rows tbody tr").first).to_contain_text("Renamed", timeout=5000)


def test_a_refresh_takes_nothing_from_the_hand(gallery: Page, rows: list[dict[str, Any]]) -> None:
    """While rows are selected: they change in place, selection and focus stay, and new rows wait to be called."""
    box = gallery.locator("[data-select-row]").nth(2)
    box.check()
    rows[0]["title"] = "Renamed"
    del rows[1]
    publish("operations")
    expect(gallery.locator("#rows tbody tr").first).to_contain_text("Renamed", timeout=5000)
    expect(gallery.locator(".fresh")).to_have_text("1 new, 1 gone: show")
    expect(gallery.locator("#rows tbody tr")).to_have_count(8)
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    gallery.locator(".fresh button").click()
    expect(gallery.locator(".fresh")).to_have_count(0)
    expect(gallery.locator("#rows [data-select-row]:checked")).to_have_count(1)


FORM = """<form hx-post="/undo" hx-swap="none"><input name="rate" value="5"><button>Send it</button></form>"""


def test_what_was_sent_is_no_longer_typed(gallery: Page, rows: list[dict[str, Any]]) -> None:
    """A panel keeps text that is being typed; once the text is sent, the panel is read again."""
    gallery.evaluate(
        "html => { const panel = document.getElementById('rows'); panel.insertAdjacentHTML('beforeend', html);"
        " htmx.process(panel.lastElementChild); }",
        FORM,
    )
    gallery.locator("[name=rate]").fill("40")
    with gallery.expect_response(lambda answer: answer.url.endswith("/")):
        publish("operations")
    expect(gallery.locator("[name=rate]")).to_have_value("40")
    gallery.get_by_role("button", name="Send it").click()
    rows[0]["title"] = "Renamed"
    publish("operations")
    expect(gallery.locator("#rows tbody tr").first).to_contain_text("Renamed", timeout=5000)


def test_all_that_match_follow_a_refresh(gallery: Page, rows: list[dict[str, Any]]) -> None:
    """Whoever chose all that match is told their new number when it changes, and has chosen them still."""
    gallery.locator("[data-select-page]").check()
    gallery.locator("[data-select-all]").check()
    expect(gallery.locator("[data-selected]")).to_have_text("All 2,326 that match selected")
    del rows[14:]
    publish("operations")
    expect(gallery.locator("[data-total]")).to_have_text("2,320", timeout=5000)
    expect(gallery.locator("[data-selected]")).to_have_text("All 2,320 that match selected")
    expect(gallery.locator("[data-select-all]")).to_be_checked()


def test_undo_is_in_the_toast(gallery: Page) -> None:
    """A question is answered in the dialog; the toast takes it back."""
    gallery.locator("#ask").click()
    dialog = gallery.locator("#dialog")
    dialog.get_by_label("Name").fill("taken")
    dialog.get_by_label("Percent").fill("5")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.locator(".errors")).to_have_text("Another flag has this name.")
    dialog.get_by_label("Name").fill("new-player")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog).not_to_be_visible()
    expect(gallery.locator("#toasts")).to_contain_text("On for everyone.")
    gallery.get_by_role("button", name="Undo").click()
    expect(gallery.locator("#toasts")).to_contain_text("As it was.")


def test_a_failing_request_is_tried_again(gallery: Page) -> None:
    """503 on a read says "Retrying" and heals without a click."""
    answers = iter([503, 503])

    def answer(route: Route) -> None:
        status = next(answers, None)
        if status and route.request.headers.get("hx-request"):
            route.fulfill(status=status, headers={"Retry-After": "1"}, body="away")
        else:
            route.continue_()

    gallery.route("**/?state=dead", answer)
    gallery.get_by_role("link", name="Dead").click()
    expect(gallery.locator("#rows [data-note], #toasts")).to_contain_text(["Retrying"], timeout=3000)
    expect(gallery.locator(".tabs [aria-current]")).to_contain_text("Dead", timeout=15000)


def test_a_write_of_unknown_outcome_is_not_repeated(gallery: Page) -> None:
    """500 on a POST asks the person to look, and sends nothing by itself."""
    sent: list[str] = []

    def answer(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=500, body="fault")

    gallery.route("**/undo", answer)
    gallery.evaluate("ops.toast({ text: 'Off.', undo_url: '/undo' })")
    gallery.get_by_role("button", name="Undo").click()
    expect(gallery.locator("#toasts")).to_contain_text("look before you send it again")
    gallery.wait_for_timeout(2500)
    assert len(sent) == 1


def test_the_theme_is_kept(gallery: Page) -> None:
    """The toggle changes the theme, and the server writes it into the next page."""
    gallery.emulate_media(color_scheme="light")
    gallery.locator("[data-theme-toggle]").click()
    gallery.reload()
    assert gallery.locator("html").get_attribute("data-theme") == "dark"


def test_everything_by_keyboard(gallery: Page) -> None:
    """Search, rows and pages are reached by keys; the first Tab offers to skip the frame."""
    gallery.keyboard.press("Tab")
    expect(gallery.locator(".skip")).to_be_focused()
    gallery.keyboard.press("j")
    gallery.keyboard.press("j")
    gallery.keyboard.press("x")
    expect(gallery.locator("[data-select-row]").nth(1)).to_be_checked()
    gallery.keyboard.press("/")
    expect(gallery.locator("#search")).to_be_focused()
    gallery.keyboard.press("Escape")
    gallery.keyboard.press("Control+k")
    expect(gallery.locator("#search")).to_be_focused()


def test_it_works_without_javascript(gallery: Page, browser: Any) -> None:
    """Without scripts: the rail opens, the filter applies, the question is a page, the toast is on the next one."""
    plain = browser.new_context(java_script_enabled=False, viewport=SIZES["narrow"])
    plain.add_cookies(gallery.context.cookies())
    page = plain.new_page()
    page.goto(gallery.url)
    page.get_by_role("button", name="Pages").click()
    expect(page.locator("#rail")).to_be_visible()
    page.goto(gallery.url)
    page.locator("#id_q").fill("Episode 12")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    page.goto(gallery.url)
    page.locator("#ask").click()
    page.locator("main [name=name]").fill("new-player")
    page.locator("main [name=percent]").fill("5")
    page.locator("main [name=kind]").select_option("a")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#toasts")).to_contain_text("On for everyone.")
    plain.close()


def test_who_was_signed_out_is_told(gallery: Page) -> None:
    """After a sign-out elsewhere a refresh says so and leaves the page; a click leads to the sign-in page."""
    gallery.context.clear_cookies()
    publish("operations")
    expect(gallery.locator("#toasts")).to_contain_text("You were signed out.", timeout=5000)
    expect(gallery.locator("#rows tbody tr")).to_have_count(8)
    gallery.get_by_role("link", name="Dead").click()
    expect(gallery).to_have_title("Sign in · test")


def test_a_change_during_a_refresh_is_not_lost(gallery: Page, rows: list[dict[str, Any]]) -> None:
    """What changes while an answer is under way, and is not in it, is read right after."""
    late = iter([True])

    def answer(route: Route) -> None:
        if not next(late, False):
            return route.continue_()
        response = route.fetch()
        rows[0]["title"] = "Renamed"
        publish("operations")
        gallery.wait_for_timeout(600)
        return route.fulfill(response=response)

    gallery.route("**/", answer)
    publish("operations")
    expect(gallery.locator("#rows tbody tr").first).to_contain_text("Renamed", timeout=5000)


def test_a_click_during_a_refresh_is_not_lost(gallery: Page) -> None:
    """A page asked for while the panel reads itself comes, whichever of the two is answered first."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    gallery.route("**/", hold)
    gallery.route("**/?cursor=*", hold)
    with gallery.expect_request(lambda request: request.url.endswith("/")):
        publish("operations")
    with gallery.expect_request("**/?cursor=*"):
        gallery.get_by_role("link", name="Next").click()
    for route in held:
        with suppress(PlaywrightError):  # the refresh may have been given up
            route.continue_()
            gallery.wait_for_timeout(200)
    expect(gallery.get_by_role("link", name="Previous")).to_be_visible()
    expect(gallery.locator("#rows tbody tr").first).to_contain_text("Episode 9")
