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
    page.locator("thead input[type=checkbox]").check()
    page.get_by_role("button", name=re.compile("Select all")).click()
    page.get_by_role("button", name=re.compile("^Retry")).first.click()
    reason = page.locator("[name=reason]").last
    reason.fill("the worker fleet came back")
    page.get_by_role("button", name=re.compile("Retry")).last.click()
    expect(page.get_by_text(re.compile("Retr")).first).to_be_visible()
    until(lambda: states(system) == ["done"], 90, "the bulk to be released")
    until(lambda: waiting(system) == 0, 120, "the backend to work them off")
    changed, left = system.sql("SELECT sum(changed), sum(ineligible) FROM ops.operations_chunk")[0]
    assert changed > 1500
    finished = system.sql(
        "SELECT count(*) FROM public.episode WHERE meta_json LIKE '%console%' AND status = 'processed'"
    )
    assert finished[0][0] == changed
    assert left > 0, "the seed holds rows that cannot be retried, and they must have been left alone"


def states(system: System) -> list[str]:
    return [state for (state,) in system.sql("SELECT DISTINCT state FROM ops.operations_action")]


def waiting(system: System) -> int:
    return int(
        system.sql("SELECT count(*) FROM public.episode WHERE status = 'processing' AND meta_json LIKE '%console%'")[0][
            0
        ]
    )


def test_faults_open_a_breaker_and_its_end_closes_it(system: System, as_role: SignIn) -> None:
    """A provider that fails is seen open in the console without a reload, refused meanwhile, and closes by a probe."""
    page = as_role()
    page.goto("/breakers/")
    for _ in range(3):
        system.ask("/providers/gemini")
    system.turn_faults(gemini={"error_rate": 1})

    def called_until_open() -> bool:
        system.ask("/providers/gemini")
        return bool(system.sql("SELECT 1 FROM ops.breakers_breaker WHERE name = 'gemini' AND status = 'open'"))

    until(called_until_open, 30, "the breaker to open")
    expect(page.locator("tr, article, li", has_text="gemini").first).to_contain_text("Open", timeout=20_000)
    system.turn_faults(gemini={"error_rate": 0})
