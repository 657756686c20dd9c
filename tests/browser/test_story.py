"""What the product is for, from the outside: a browser at the console, and the demo backend's answers."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.system import System
from tests.waiting import until

pytestmark = pytest.mark.browser
USER = "ada@example.com"


def test_a_switch_changes_the_backends_answer(system: System, as_role: SignIn) -> None:
    """Off for everyone is seen by the running backend, Undo brings the rules back, on is asked for first."""
    page = as_role()
    page.goto("/flags/")
    row = page.locator("tr", has_text="new_player")
    if row.get_by_role("switch").get_attribute("aria-checked") == "false":
        row.get_by_role("switch").click()
    row.get_by_role("link", name="new_player").click()
    page.get_by_role("link", name=re.compile("On for everyone")).click()
    page.locator("#dialog").get_by_role("button", name="On for everyone").click()
    expect(page.locator("#flag-state")).to_contain_text("On for everyone")
    until(lambda: hello(system), 10, "the new player for everyone")
    page.goto("/flags/")
    row.get_by_role("switch").click()
    until(lambda: not hello(system), 10, "the classic player")
    expect(row).to_contain_text("Off for everyone")
    page.get_by_role("button", name="Undo").click()
    until(lambda: hello(system), 10, "the new player again")


def hello(system: System) -> bool:
    return bool(system.ask("/api/hello", user=some_user(system))["enabled"])


def some_user(system: System) -> str:
    return str(system.sql('SELECT email FROM public."user" ORDER BY created_at LIMIT 1')[0][0])


def test_all_stuck_episodes_are_retried_in_one_go(system: System, as_role: SignIn) -> None:
    """Select all that match, retry with a reason, and the backend finishes every one that can be retried."""
    page = as_role()
    page.goto("/operations/")
    page.get_by_label("Kind").select_option("episode_assembly")
    expect(page).to_have_url(re.compile("kind=episode_assembly"))
    page.locator("thead input[type=checkbox]").check()
    page.get_by_role("checkbox", name=re.compile("Select all")).check()
    page.locator(".bulk-bar").get_by_role("button", name="Retry").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Reason").fill("the worker fleet came back")
    dialog.get_by_role("button", name=re.compile("^Retry [0-9,]+$")).click()
    expect(page.locator(".toast")).to_contain_text("begins in")
    until(lambda: states(system) == ["done"], 90, "the bulk to be released")
    changed, left = system.sql("SELECT sum(changed), sum(ineligible) FROM ops.operations_chunk")[0]
    until(lambda: finished(system) == changed, 120, f"the backend to work off all {changed}")
    assert changed > 1500
    assert left > 0, "the seed holds rows that cannot be retried, and they must have been left alone"


def states(system: System) -> list[str]:
    return [state for (state,) in system.sql("SELECT DISTINCT state FROM ops.operations_action")]


def finished(system: System) -> int:
    """Episodes that were done under a job of a first retry: the job's id carries the command's version."""
    done = "SELECT count(*) FROM public.episode WHERE meta_json LIKE '%demo-v1-%' AND status = 'processed'"
    return int(system.sql(done)[0][0])


def test_faults_open_a_breaker_and_its_end_closes_it(system: System, as_role: SignIn) -> None:
    """A provider that fails is seen open in the console without a reload, refused meanwhile, and closes by a probe."""
    page = as_role()
    page.goto("/breakers/")
    system.turn_faults(gemini={"error_rate": 1})

    def called_until_open() -> bool:
        system.call_provider("gemini")
        return bool(system.sql("SELECT 1 FROM ops.breakers_breaker WHERE name = 'gemini' AND status = 'open'"))

    until(called_until_open, 30, "the breaker to open")
    expect(page.locator("tr, article, li", has_text="gemini").first).to_contain_text("Open", timeout=20_000)
    system.turn_faults(gemini={"error_rate": 0})

    def called_until_closed() -> bool:
        system.call_provider("gemini")
        return bool(system.sql("SELECT 1 FROM ops.breakers_breaker WHERE name = 'gemini' AND status = 'closed'"))

    until(called_until_closed, 60, "a probe to close it")
    expect(page.locator("tr, article, li", has_text="gemini").first).to_contain_text("Closed", timeout=20_000)
