"""The same stranger's episodes in a real browser: seen, retried and failed by hand, all that match at once."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from incidents.operations.models import Action
from incidents.operations.progress import action_progress
from incidents.operations.release import release_due
from ops_console.access.models import User
from ops_console.access.roles import Role
from tests import podcast
from tests.chaos.stranger import make_strangers, stuck, truth
from tests.console.gallery.serving import served

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("committed")]
PASSWORD = "correct horse battery staple"


@pytest.fixture
def strangers(committed: None) -> Iterator[None]:
    make_strangers("varchar", "UTC")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE public.episode; DROP TYPE public.stranger")
    podcast.make_tables()


@pytest.fixture
def operations(strangers: None, page: Page) -> Iterator[Page]:
    """The list, signed in as an operator, in a browser that fails on any dialog and any script's error."""
    wrong: list[str] = []
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    User.objects.create_user("olga", "olga@example.org", PASSWORD, role=Role.OPERATOR)
    with served() as url:
        page.goto(f"{url}/accounts/login/?next=/operations/%3Fkind%3Depisode_assembly")
        page.get_by_label("User name or mail address").fill("olga")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/operations/**")
        yield page
        page.goto("about:blank")
    assert wrong == []


def act_on_all(page: Page, verb: str) -> Action:
    """All that match the list, with a reason; released."""
    page.locator("thead input[type=checkbox]").check()
    page.get_by_role("checkbox", name=re.compile("Select all")).check()
    page.locator(".bulk-bar").get_by_role("button", name=re.compile(f"^{verb}")).click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Reason").fill("by hand")
    dialog.get_by_role("button", name=re.compile(f"^{verb} [0-9,]+$")).click()
    expect(page.locator(".toast").last).to_contain_text(f"{verb} ", timeout=30_000)
    release_due()
    return Action.objects.latest("pk")


def test_all_that_match_by_hand(operations: Page) -> None:
    """Names are text; what can be retried is, and is stuck no more; the rest is failed; no other row is touched."""
    before = truth()
    wanted = stuck(before)
    good = {one for one in wanted if before[one]["meta"] and "a.wav" in before[one]["meta"]}
    expect(operations.locator("tbody")).to_contain_text("<script>alert(1)</script>")
    retried = action_progress(act_on_all(operations, "Retry").pk)
    assert (retried.changed, retried.ineligible) == (len(good), len(wanted - good))
    assert truth() == before
    operations.goto(operations.url.partition("/operations/")[0] + "/operations/?kind=episode_assembly")
    failed = action_progress(act_on_all(operations, "Fail").pk)
    assert (failed.changed, failed.action.total) == (len(wanted - good),) * 2
    after: dict[str, dict[str, Any]] = truth()
    assert {one for one, row in after.items() if row != before[one]} == wanted - good
    assert {after[one]["status"] for one in wanted - good} == {"error"}
