"""The console's dialogs in a browser: a question or an answer that is refused says so inside the dialog."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from flags import services as flag_services
from flags.models import State
from ops_console.access.models import User
from ops_console.access.roles import Role
from quotas.seed import seed
from tests import podcast
from tests.console.browsing import live, signed_in_browser
from tests.incidents.operations.conftest import make_episode
from tests.people import actor, person

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
USER = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Dialog:
    """`prepare` returns the address of a page; `opener` is what opens the dialog there, `confirm` its button."""

    prepare: Callable[[], str]
    opener: str
    confirm: str


def one_person() -> str:
    return f"/access/{person(Role.VIEWER).pk}/"


def one_flag() -> str:
    return f"/flags/{flag_services.create(actor(), 'player', {}, State.RULES).pk}/"


def flag_list() -> str:
    one_flag()
    return "/flags/"


def one_user() -> str:
    seed()
    podcast.add_user(USER, "hanna@example.com", "Hanna", "Novak", "pro")
    return f"/quotas/users/{USER}/"


def tiers() -> str:
    one_user()
    return "/quotas/tiers/"


def one_operation() -> str:
    return f"/operations/episode_assembly/{make_episode()}/"


def operation_list() -> str:
    make_episode()
    return "/operations/?kind=episode_assembly"


DIALOGS = {
    "deactivate a person": Dialog(one_person, "text=Deactivate", "Deactivate"),
    "flag on for everyone": Dialog(one_flag, "text=On for everyone…", "On for everyone"),
    "archive flags": Dialog(flag_list, ".bulk-bar button", "Archive 1"),
    "quota override": Dialog(one_user, "a[hx-target='#dialog-body'] >> nth=0", "Save override"),
    "tier limit": Dialog(tiers, "a[hx-target='#dialog-body'] >> nth=0", "Enforce"),
    "arm the sweep": Dialog(lambda: "/sweep/", "text=Arm… >> nth=0", "Arm"),
    "fail an operation": Dialog(one_operation, "text=Fail…", "Fail 1"),
    "retry operations": Dialog(operation_list, ".bulk-bar button[value=retry]", "Retry 1"),
}


@pytest.fixture(params=DIALOGS)
def dialog(request: pytest.FixtureRequest) -> Dialog:
    return DIALOGS[request.param]


@pytest.fixture
def admin() -> User:
    return person(Role.ADMIN)


@pytest.fixture
def console(page: Page, admin: User) -> Iterator[Page]:
    """A browser that an admin is signed in with."""
    with signed_in_browser(page, admin) as browser:
        yield browser


def set_role(user: User, role: Role) -> None:
    """What another admin changes while the page is open."""
    user.role = role
    user.save()


def demote_when_asked(page: Page, user: User) -> None:
    """The role goes with the request for the dialog: the page itself is not read again as a viewer before it."""

    def demote(route: Route) -> None:
        if route.request.headers.get("hx-target") == "dialog-body":
            set_role(user, Role.VIEWER)
        route.continue_()

    page.route("**", demote)


def opener_of(page: Page, dialog: Dialog) -> Locator:
    """The dialog's opener on its page, with rows selected where it needs some."""
    page.goto(urljoin(page.url, dialog.prepare()))
    live(page)
    if dialog.opener.startswith(".bulk-bar"):
        page.locator("[data-select-page]").check()
    return page.locator(dialog.opener)


def test_a_refused_question_is_shown_in_the_dialog(console: Page, dialog: Dialog, admin: User) -> None:
    """The dialog opens with the reason and a way out; it is never empty, and nothing is hidden behind it."""
    opener = opener_of(console, dialog)
    demote_when_asked(console, admin)
    opener.click()
    shown = console.locator("#dialog")
    expect(shown).to_be_visible()
    expect(shown).to_contain_text("role")
    expect(console.locator("#toasts .toast")).to_have_count(0)
    shown.get_by_role("button", name="Close").click()
    expect(shown).not_to_be_visible()


def test_a_refused_answer_is_shown_in_the_dialog(console: Page, dialog: Dialog, admin: User) -> None:
    """The reason stands in the dialog, above its buttons; what was typed is still there to be sent again."""
    opener_of(console, dialog).click()
    shown = console.locator("#dialog")
    expect(shown).to_be_visible()
    for name, value in (("limit", "5"), ("reason", "typed by hand")):
        for field in shown.locator(f"[name={name}]").all():
            field.fill(value)
    set_role(admin, Role.VIEWER)
    shown.get_by_role("button", name=dialog.confirm, exact=True).click()
    expect(shown.locator("[data-notices] > .bad")).to_contain_text("role")
    expect(shown.locator("[data-notices] > .bad")).to_be_in_viewport()
    expect(console.locator("#toasts .toast")).to_have_count(0)
    for field in shown.locator("[name=reason]").all():
        expect(field).to_have_value("typed by hand")
    # Sent again with the role back, it is done, and the notice is in the corner again.
    set_role(admin, Role.ADMIN)
    shown.get_by_role("button", name=dialog.confirm, exact=True).click()
    expect(shown).not_to_be_visible()
    expect(console.locator("#toasts .toast")).to_have_count(1)


def test_an_outage_is_shown_in_the_dialog(console: Page, admin: User) -> None:
    """A write of unknown outcome says so inside the dialog, with the button to try again."""
    opener_of(console, DIALOGS["deactivate a person"]).click()
    console.route("**/deactivate/", lambda route: route.fulfill(status=500, body="fault"))
    shown = console.locator("#dialog")
    shown.get_by_role("button", name="Deactivate").click()
    expect(shown.locator("[data-notices]")).to_contain_text("look before you send it again")
    console.unroute("**/deactivate/")
    shown.get_by_role("button", name="Try again").click()
    expect(shown).not_to_be_visible()
    expect(console.locator("#toasts")).to_contain_text("is shut out")


def test_what_cannot_be_retried_says_why(console: Page) -> None:
    """Selected operations that lack what a retry needs: the dialog names the field."""
    make_episode(meta_json="{}")
    console.goto(urljoin(console.url, "/operations/?kind=episode_assembly"))
    console.locator("[data-select-page]").check()
    console.locator(".bulk-bar button[value=retry]").click()
    expect(console.locator("#dialog")).to_contain_text("This operation can't be retried: ")
    expect(console.locator("#dialog")).to_contain_text("main_content_filename")
