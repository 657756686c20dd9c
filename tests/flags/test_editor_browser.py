"""The rules' editor in a real browser: chips, slider, order by mouse and keyboard, live numbers; and no script."""

import os
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from flags import segment_services, services
from flags.models import Flag, Presence, State
from ops_console.access.models import User
from ops_console.access.roles import Role
from tests.console.gallery.serving import served
from tests.people import actor

# Playwright keeps an event loop in this thread, which makes Django take plain tests for async code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery staple"
RULES = [
    {"name": "pros", "constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]},
    {"name": "ramp", "percent": 10},
    {"name": "adults", "constraints": [{"field": "age", "operator": "NUM_GTE", "values": ["18"]}]},
]


@pytest.fixture
def flag() -> Flag:
    Presence.objects.bulk_create(
        Presence(user_id=f"u{n}", seen_at=timezone.now(), attributes={"tier": "team" if n % 2 else "pro"})
        for n in range(40)
    )
    segment_services.create_segment(actor(), "office", {})
    return services.create(actor(), "player", {"rules": RULES}, State.RULES)


@pytest.fixture
def console() -> Iterator[str]:
    with served() as url:
        yield url


def open_rules(page: Page, console: str, flag: Flag) -> None:
    """The editor, signed in as an operator, in a browser that fails on what the policy blocks."""
    User.objects.create_user("olga", "olga@example.org", PASSWORD, role=Role.OPERATOR)
    page.goto(f"{console}/accounts/login/?next=/flags/{flag.pk}/rules/")
    page.get_by_label("User name or mail address").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/rules/")


@pytest.fixture
def editor(page: Page, console: str, flag: Flag) -> Iterator[Page]:
    blocked: list[str] = []
    page.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("pageerror", lambda error: blocked.append(str(error)))
    open_rules(page, console, flag)
    yield page
    page.goto("about:blank")
    assert blocked == []


def names(page: Page) -> list[str]:
    return page.locator(".rule-head > input").evaluate_all("inputs => inputs.map((input) => input.value)")


def save(page: Page, flag: Flag) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("player is saved")
    flag.refresh_from_db()


def test_values_are_chips_and_the_numbers_follow(editor: Page, flag: Flag) -> None:
    """A value that is typed becomes a chip, its effect is told before saving, and it is saved."""
    entry = editor.get_by_label("Rule 1, constraint 1, values, one a line: add one")
    entry.fill("team")
    entry.press("Enter")
    expect(editor.locator("#rule-0 .chip")).to_have_count(2)
    expect(editor.locator("#effect")).to_contain_text(re.compile(r"Turns on for \d+ of 40 users seen in the last day"))
    save(editor, flag)
    assert flag.rules[0]["constraints"][0]["values"] == ["pro", "team"]


def test_a_pasted_list_becomes_chips_and_one_is_taken_out(editor: Page, flag: Flag) -> None:
    """Lines and commas of a paste are values of their own; a chip's button and Backspace take them out."""
    entry = editor.get_by_label("Rule 1, constraint 1, values, one a line: add one")
    entry.evaluate(
        """(node) => { const data = new DataTransfer(); data.setData("text", "a@x.org\\nb@x.org, c@x.org");
        node.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })); }"""
    )
    editor.get_by_role("button", name="Remove b@x.org").click()
    entry.press("Backspace")
    save(editor, flag)
    assert flag.rules[0]["constraints"][0]["values"] == ["pro", "a@x.org"]


def test_slider_and_number_are_one_percentage(editor: Page, flag: Flag) -> None:
    """Each follows the other, and what stands in the number is saved."""
    slider = editor.get_by_label("Rule 2, percent as a slider")
    slider.focus()
    slider.press("ArrowRight")
    expect(editor.locator("#rule-1-percent")).to_have_value("11")
    editor.locator("#rule-1-percent").fill("37.5")
    expect(slider).to_have_value("38")
    save(editor, flag)
    assert flag.rules[1]["percent"] == 37.5


def test_rules_are_ordered_by_mouse(editor: Page, flag: Flag) -> None:
    """A rule that is dragged by its grip above another stands and is saved there, and numbers follow."""
    editor.set_viewport_size({"width": 1280, "height": 1400})
    editor.locator("#rule-2 [data-grip]").hover()
    editor.mouse.down()
    place = editor.locator("#rule-0").bounding_box()
    assert place
    editor.mouse.move(place["x"] + 60, place["y"] + place["height"] - 4, steps=5)
    editor.mouse.move(place["x"] + 60, place["y"] + 6, steps=5)
    editor.mouse.up()
    expect(editor.locator(".rule").first.locator("h3")).to_have_text("Rule 1")
    expect(editor.locator(".rule").first.locator(".rule-head > input")).to_have_value("adults")
    save(editor, flag)
    assert [rule["name"] for rule in flag.rules] == ["adults", "pros", "ramp"]


def test_rules_are_ordered_by_keyboard(editor: Page, flag: Flag) -> None:
    """Alt and an arrow move the rule that holds the focus; focus stays with the button of the same rule."""
    editor.locator("#rule-2-name").press("Alt+ArrowUp")
    expect(editor.locator("#rule-1 h3")).to_have_text("Rule 3")
    up = editor.get_by_role("button", name="Move rule 2 up")
    up.focus()
    up.press("Enter")
    expect(editor.locator("#rule-2 h3")).to_have_text("Rule 1")
    expect(editor.locator("#rule-2 button[value^=up]")).to_be_focused()
    assert names(editor) == ["adults", "pros", "ramp"]


def test_a_rule_is_built_and_the_input_follows_its_operator(editor: Page, flag: Flag) -> None:
    """A rule with a date and a segment is added, filled in and saved; axe finds nothing on the way."""
    editor.get_by_role("button", name="Add a rule").click()
    editor.locator("#rule-3").get_by_role("button", name="Constraint").click()
    editor.get_by_label("Rule 4, constraint 1, field").fill("current_time")
    editor.get_by_label("Rule 4, constraint 1, operator").select_option("DATE_AFTER")
    when = editor.get_by_label("Rule 4, constraint 1, time in UTC")
    when.fill("2027-01-02T03:04:05")
    editor.locator("#rule-3 summary", has_text="Segments").click()
    editor.locator("#rule-3").get_by_label("office").check()
    found = Axe().run(editor)
    assert found.violations_count == 0, found.generate_report()
    save(editor, flag)
    constraint = {"field": "current_time", "operator": "DATE_AFTER", "values": ["2027-01-02T03:04:05Z"]}
    assert flag.rules[3] == {"constraints": [constraint], "segments": ["office"]}


def test_a_refused_row_is_marked_and_nothing_is_lost(editor: Page, flag: Flag) -> None:
    """A pattern that cannot be read is told in its row, with what was typed elsewhere still there."""
    editor.locator("#rule-1-name").fill("slower ramp")
    editor.get_by_label("Rule 1, constraint 1, operator").select_option("REGEX")
    pattern = editor.locator("#rule-0-constraint-0-values")
    expect(pattern).to_be_visible()
    pattern.fill("(")
    editor.get_by_role("button", name="Save").click()
    expect(editor.locator(".constraint .errors")).to_contain_text("constraint 1")
    expect(editor.locator("#rule-1-name")).to_have_value("slower ramp")
    flag.refresh_from_db()
    assert flag.rules == RULES


def test_flags_are_archived_in_bulk_from_the_list(editor: Page, flag: Flag) -> None:
    """Two of three are selected; the question counts them, and after it the list goes on without them."""
    for name in ("old one", "old two"):
        services.create(actor(), name, {})
    editor.goto(editor.url.replace(f"{flag.pk}/rules/", ""))
    for name in ("old one", "old two"):
        editor.get_by_label(f"Select {name}").check()
    expect(editor.locator(".bulk-bar")).to_contain_text("2 selected")
    editor.locator(".bulk-bar").get_by_role("button", name="Archive").click()
    dialog = editor.locator("#dialog")
    expect(dialog).to_contain_text("Archive 2 flags?")
    dialog.get_by_label("Reason").fill("nobody asks for them")
    dialog.get_by_role("button", name="Archive 2").click()
    expect(editor.locator("#toasts")).to_contain_text("2 flags archived")
    assert Flag.objects.exclude(archived_at=None).count() == 2


def test_all_of_it_works_without_a_script(browser: Browser, console: str, flag: Flag) -> None:
    """With scripts off: a rule is added, moved up, given values by the line, previewed and saved."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    open_rules(page, console, flag)
    page.get_by_role("button", name="Add a rule").click()
    page.locator("#rule-3").get_by_role("button", name="Constraint").click()
    page.get_by_label("Rule 4, constraint 1, field").fill("tier")
    page.get_by_label("Rule 4, constraint 1, values, one a line").fill("team\nfree")
    page.get_by_role("button", name="Move rule 4 up").click()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#effect")).to_contain_text("Turns on for")
    save(page, flag)
    context.close()
    assert [rule.get("name") for rule in flag.rules] == ["pros", "ramp", None, "adults"]
    assert flag.rules[2]["constraints"][0]["values"] == ["team", "free"]
