"""Every list of the console in a browser: what depends on the filter changes with it, without a reload."""

import csv
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from playwright.sync_api import Page, expect

from flags import segment_services
from flags import services as flag_services
from flags.models import Flag, State
from incidents.operations import services as operation_services
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from quotas.seed import seed
from tests import podcast
from tests.console.browsing import live, signed_in_browser
from tests.incidents.operations.conftest import USER, make_episode
from tests.incidents.operations.tracked_rows import make_tracked
from tests.people import actor, person

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@dataclass(frozen=True)
class List:
    """`prepare` puts rows into it; `filter` is a field and a value; `tab` a link in it that changes the address."""

    path: str
    target: str
    filter: tuple[str, str]
    prepare: Callable[[], object]
    tab: tuple[str, dict[str, str]] | None = None
    has_csv: bool = True


def flags() -> None:
    for name in ("player", "editor"):
        flag_services.create(actor(), name, {}, State.RULES)


def segments() -> None:
    segment_services.create_segment(actor(), "office", {})


def operations() -> None:
    for n in range(3):
        make_episode(title=f"Talk {n}")
    make_tracked("export-1", silent_seconds=7200)


def users() -> None:
    seed()
    podcast.add_user(USER, "hanna@example.com", "Hanna", "Novak", "pro")


EPISODES = ("kind", "episode_assembly")
LISTS = {
    "flags": List("/flags/", "flags-list", ("q", "player"), flags, ("By rules", {"state": "rules"})),
    "segments": List(
        "/flags/segments/",
        "segments-list",
        ("q", "off"),
        lambda: segment_services.create_segment(actor(), "office", {}),
    ),
    "quotas": List("/quotas/", "quota-users", ("q", "hanna"), users, has_csv=False),
    "audit": List("/audit/", "audit-list", ("target_type", "flag"), flags),
    "breakers": List("/breakers/", "breakers-list", ("q", "gem"), flags, ("Overridden", {"state": "overridden"})),
    "operations": List(
        "/operations/",
        "operations-list",
        ("kind", "episode_assembly"),
        operations,
        ("Suspected", {"evidence": "suspected"}),
    ),
    "error groups": List(
        "/operations/errors/", "error-groups", ("kind", "episode_assembly"), operations, has_csv=False
    ),
}


@pytest.fixture(params=LISTS)
def shown(request: pytest.FixtureRequest) -> List:
    return LISTS[request.param]


@pytest.fixture
def admin() -> User:
    return person(Role.ADMIN)


@pytest.fixture
def console(page: Page, admin: User) -> Iterator[Page]:
    """A browser that an admin is signed in with."""
    with signed_in_browser(page, admin) as browser:
        yield browser


def fill(page: Page, shown: List) -> None:
    name, value = shown.filter
    given = page.locator(f"#{shown.target}-filter [name={name}]")
    if given.evaluate("field => field.tagName") == "SELECT":
        given.select_option(value)
    else:
        given.fill(value)
        given.blur()
    expect(page).to_have_url(re.compile(rf"[?&]{name}={value}"))


def query_of(page: Page, name: str) -> dict[str, list[str]]:
    """The parameters of a link of the filter bar."""
    link = page.locator(".filter-bar").get_by_role("link", name=name)
    return parse_qs(urlsplit(link.get_attribute("href") or "").query)


def test_csv_and_clear_follow_a_filter(console: Page, shown: List) -> None:
    """A filter applied in place is in the CSV's address, and Clear, which was not there before, takes it out."""
    shown.prepare()
    console.goto(urljoin(console.url, shown.path))
    live(console)
    expect(console.get_by_role("link", name="Clear", exact=True)).to_have_count(0)
    fill(console, shown)
    expect(console.get_by_role("link", name="Clear", exact=True)).to_have_count(1)
    name, value = shown.filter
    if shown.has_csv:
        assert query_of(console, "CSV") == {name: [value], "format": ["csv"]}
    assert name not in query_of(console, "Clear")
    console.get_by_role("link", name="Clear", exact=True).click()
    expect(console).to_have_url(re.compile(rf"{shown.path}$"))


@pytest.mark.parametrize("name", [name for name, each in LISTS.items() if each.tab])
def test_the_whole_bar_follows_a_tab(console: Page, name: str) -> None:
    """What a tab puts into the address is in the CSV's, in Clear's where it is no filter, and in the form."""
    shown = LISTS[name]
    shown.prepare()
    console.goto(urljoin(console.url, shown.path))
    live(console)
    fill(console, shown)
    label, wanted = shown.tab or ("", {})
    console.locator(f"#{shown.target} nav a", has_text=label).first.click()
    ((param, value),) = wanted.items()
    expect(console).to_have_url(re.compile(rf"[?&]{param}={value}"))
    expect(console.locator(f"#{shown.target}-filter [name={param}]")).to_have_value(value)
    assert query_of(console, "CSV") == {shown.filter[0]: [shown.filter[1]], param: [value], "format": ["csv"]}
    expect(console.locator(f"#{shown.target}-filter [name={shown.filter[0]}]")).to_have_value(shown.filter[1])


def test_the_csv_holds_what_the_list_shows(console: Page) -> None:
    """Three of two kinds' four stuck operations are shown under a filter, and three are in the file."""
    operations()
    console.goto(urljoin(console.url, "/operations/"))
    expect(console.locator("#operations-list tbody tr")).to_have_count(4)
    fill(console, LISTS["operations"])
    expect(console.locator("#operations-list tbody tr")).to_have_count(3)
    with console.expect_download() as download:
        console.get_by_role("link", name="CSV").click()
    with download.value.path().open() as file:
        assert {row["kind"] for row in csv.DictReader(file)} == {"episode_assembly"}


def test_text_being_typed_survives_a_tab(console: Page) -> None:
    """A tab that is answered while somebody types keeps what they have typed, and the caret."""
    flags()
    console.goto(urljoin(console.url, "/flags/"))
    live(console)
    box = console.locator("#flags-list-filter [name=q]")
    box.focus()
    console.evaluate(
        """() => {
            const box = document.querySelector("#flags-list-filter [name=q]");
            box.value = "pla";
            document.querySelector("#flags-list nav a[href*='state=rules']").click();
        }"""
    )
    expect(console).to_have_url(re.compile("state=rules"))
    expect(console.locator("#flags-list-filter [name=state]")).to_have_value("rules")
    expect(box).to_have_value("pla")
    expect(box).to_be_focused()


def test_a_filter_that_cannot_be_read_says_so(console: Page) -> None:
    """The error shows when the filter is applied in place, and goes when it is put right."""
    operations()
    console.goto(urljoin(console.url, "/operations/?attempt=2"))
    live(console)
    attempt = console.locator("[name=attempt]")
    attempt.evaluate("field => field.removeAttribute('min')")
    attempt.fill("0")
    attempt.press("Enter")
    expect(console.locator(".filter-bar .errors")).to_contain_text("Attempts from")
    attempt.fill("1")
    attempt.press("Enter")
    expect(console.locator(".filter-bar .errors")).to_have_count(0)


def test_a_selection_ends_with_its_filter(console: Page) -> None:
    """All that match one filter are not all that match the next: nothing stays selected."""
    operations()
    console.goto(urljoin(console.url, "/operations/?kind=episode_assembly"))
    live(console)
    console.locator("[data-select-page]").check()
    console.locator("[data-select-all]").check()
    expect(console.locator("[data-selected]")).to_have_text("All 3 that match selected")
    console.locator("#operations-list-filter [name=q]").fill("Talk")
    expect(console).to_have_url(re.compile("q=Talk"))
    expect(console.locator("[data-select-row]:checked")).to_have_count(0)
    expect(console.locator(".bulk-bar")).not_to_be_visible()


def test_a_selection_ends_with_its_action(console: Page) -> None:
    """After a bulk nothing is selected, so that no other button is armed with it; Cancel keeps the selection."""
    operations()
    console.goto(urljoin(console.url, "/operations/?kind=episode_assembly"))
    live(console)
    console.locator("[data-select-page]").check()
    console.locator("[data-select-all]").check()
    console.locator(".bulk-bar button[value=fail]").click()
    dialog = console.locator("#dialog")
    dialog.get_by_role("link", name="Cancel").click()
    expect(console.locator("[data-selected]")).to_have_text("All 3 that match selected")
    console.locator(".bulk-bar button[value=fail]").click()
    dialog.get_by_label("Reason").fill("by hand")
    dialog.get_by_role("button", name="Fail 3").click()
    expect(dialog).not_to_be_visible()
    expect(console.locator("[data-select-row]:checked")).to_have_count(0)
    expect(console.locator("[data-select-all]")).not_to_be_checked()
    expect(console.locator(".bulk-bar")).not_to_be_visible()


def test_another_rows_action_leaves_a_selection_alone(console: Page) -> None:
    """The switch of one flag does not end the selection of others."""
    flags()
    console.goto(urljoin(console.url, "/flags/"))
    live(console)
    console.locator("[data-select-row]").first.check()
    console.locator(".switch").nth(1).click()
    expect(console.locator("#toasts .toast")).to_have_count(1)
    expect(console.locator("[data-selected]")).to_have_text("1 selected")


@pytest.mark.parametrize("where", ["here", "another page", "after a reload"])
def test_the_end_of_a_bulk_is_announced(console: Page, where: str, settings: Any) -> None:
    """Once, on whatever page is open by then, with the numbers and the way to the outcomes."""
    settings.UNDO_BULK_SECONDS = 0
    operations()
    make_episode(meta_json="{}")
    console.goto(urljoin(console.url, "/operations/?kind=episode_assembly"))
    live(console)
    console.locator("[data-select-page]").check()
    console.locator(".bulk-bar button[value=retry]").click()
    dialog = console.locator("#dialog")
    dialog.get_by_label("Reason").fill("provider is back")
    dialog.get_by_role("button", name="Retry 3").click()
    expect(dialog).not_to_be_visible()
    if where == "another page":
        console.goto(urljoin(console.url, "/flags/"))
    if where == "after a reload":
        console.reload()
    live(console)
    release_due()
    notice = console.locator("#toasts .toast", has_text="finished. 3 changed, 1 skipped.")
    expect(notice).to_have_count(1, timeout=20_000)
    console.reload()
    live(console)
    expect(console.locator("#toasts .toast", has_text="finished")).to_have_count(0)


def test_the_notice_of_an_end_leads_to_the_outcomes(console: Page, settings: Any) -> None:
    """From the notice to the action, and from a count there to its operations."""
    settings.UNDO_BULK_SECONDS = 0
    missing = make_episode(meta_json="{}")
    operations()
    action = operation_services.start(actor(), Scope(), "retry", "again")
    release_due()
    console.goto(urljoin(console.url, f"/operations/actions/{action.pk}/"))
    console.get_by_role("link", name="Show the 1 operations").click()
    expect(console.locator("#action-outcomes")).to_contain_text("Only: ineligible")
    expect(console.locator("#action-outcomes tr[data-key]")).to_have_count(1)
    expect(console.locator("#action-outcomes tr[data-key] a")).to_have_attribute("href", re.compile(missing))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_operations_list_begins_near_the_top(console: Page, theme: Any) -> None:
    """On a phone the first row is in the first 360 px and nothing is wider; on a wide screen evidence is one line."""
    operations()
    console.emulate_media(color_scheme=theme)
    console.set_viewport_size({"width": 360, "height": 780})
    console.goto(urljoin(console.url, "/operations/"))
    live(console)
    row = console.locator("#operations-list tbody tr").first
    assert (row.bounding_box() or {})["y"] < 360
    assert console.evaluate("document.documentElement.scrollWidth") == 360
    console.set_viewport_size({"width": 1440, "height": 900})
    evidence = row.locator(".evidence .status + .sub")
    assert (evidence.bounding_box() or {})["height"] < 24


def test_no_change_is_reverted_blind(console: Page) -> None:
    """On a phone the row whose change one click takes back shows that change; the audit's question shows it too."""
    flags()
    flag = Flag.objects.get(name="player")
    flag_services.set_state(actor(), flag.pk, State.OFF)
    console.set_viewport_size({"width": 360, "height": 780})
    console.goto(urljoin(console.url, f"/flags/{flag.pk}/history/"))
    row = console.locator("tr", has=console.get_by_role("button", name=re.compile("^Take back"))).first
    expect(row.locator("ins").first).to_be_visible()
    expect(row.locator("ins").first).to_contain_text("off for everyone")
    entry = Entry.objects.filter(target_type="flag", target_id=str(flag.pk)).latest("pk")
    console.goto(urljoin(console.url, f"/audit/{entry.pk}/revert/"))
    expect(console.locator(".effects li").first).to_contain_text("->")
