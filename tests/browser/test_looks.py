"""Every page, full of the demo's data: nothing for axe to find, nothing wider than the screen, in both themes."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from benchmarks.growth_pages import addresses
from tests.browser.conftest import SignIn
from tests.console.url_answers import ANSWERS
from tests.system import System
from tests.waiting import until

pytestmark = pytest.mark.browser
# Tables shown as cards: no cell of them, and no button in it, lies beside the screen.
HIDDEN_SIDEWAYS = """[...document.querySelectorAll(".table.cards")]
  .filter((table) => innerWidth <= 640 && table.scrollWidth > table.parentElement.clientWidth)
  .map((table) => table.parentElement.ariaLabel)"""
LOOKS = {"light": {"width": 1440, "height": 900}, "dark": {"width": 360, "height": 780}}
# What an address is of: one thing of the demo's data, by the URL's parameter, with its namespace where needed.
THINGS = {
    "access user_id": "SELECT id FROM ops.access_user WHERE username = 'viewer'",
    "user_id": 'SELECT id::text FROM public."user" ORDER BY length(email) DESC LIMIT 1',
    "flag_id": "SELECT min(id) FROM ops.flags_flag",
    "flags entry_id": "SELECT max(id) FROM ops.audit_entry WHERE action = 'flag.create'",
    "entry_id": "SELECT max(id) FROM ops.audit_entry",
    "segment_id": "INSERT INTO ops.flags_segment (name, note, constraints, version)"
    " VALUES ('seen', '', '[]', 1) RETURNING id",
    "action_id": "INSERT INTO ops.operations_action"
    " (kind, verb, reason, label, scope, total, state, actor, via, release_at)"
    " VALUES ('episode_assembly', 'retry', '', 'Retry 3', '{}', 3, 'done', 'operator', 'web', now()) RETURNING id",
    "alert_id": "INSERT INTO ops.alerts_alert (rule_id, subject, state, since, last_seen_at, value, summary, url,"
    " acknowledged_by, note) SELECT min(name), 'seen', 'firing', now(), now(), 1, 'Seen', '', '', ''"
    " FROM ops.alerts_rule RETURNING id",
    "request_id": "INSERT INTO ops.approvals_changerequest (kind, call, arguments, role, target_type, target_id,"
    " summary, reason, requester_name, requested_at, expires_at, state, decided_by, note, problem, broke_glass)"
    " VALUES ('flag', '', '{}', 'operator', 'flag', '1', 'payments: change percent', 'launch', 'operator', now(),"
    " now() + interval '1 day', 'open', '', '', '', false) RETURNING id",
    "run_id": "INSERT INTO ops.sweep_run (kind, result, dead, suspected, most, detail, first_ids)"
    " VALUES ('episode_assembly', 'dry_run', 1, 2, 50, '', '{}') RETURNING id",
    "process_id": "SELECT id::text FROM ops.contract_instance LIMIT 1",
    "operation_id": "SELECT id::text FROM public.episode WHERE status = 'processing' LIMIT 1",
}
WORDS = {
    "how": "approve",
    "state": "off",
    "resource": "api_calls",
    "tier": "pro",
    "kind": "episode_assembly",
    "breakers name": "gemini",
    "alerts name": "breaker_open",
    "quotas name": "api_calls",
}
QUERIES = {"breakers:override": "?mode=force_open", "flags:why": "?user={user_id}", "search": "?q=a"}
# They need what the demo's admin does not have: a link, a second factor, a lost process, a change to be taken back.
NOT_SHOWN = {
    "account_inactive",
    "access:accept",
    "access:open_link",
    "access:token_revoke",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
    "flags:revert",
    "quotas:place",
    "quotas:room",
    "operations:take_back",
    "flags:restore",
    "service_remove_lost",
    "search_suggestions",  # a part of the page, without a frame
    "operations:end",  # JSON for the script that announces the end of an action
    "quotas:export",  # a download
}
# Answers of an admin's browser that asks for nothing in particular: a page, or "looked for it and found none".
PAGES = [
    name
    for name, answers in ANSWERS.items()
    if answers.split(" / ")[0].split()[3] in ("200", "404") and not name.startswith(("api:", "admin:", "live"))
    if name not in NOT_SHOWN
]


@pytest.fixture(scope="session")
def paths(system: System) -> dict[str, str]:
    """URL name to a path, with its query, of something that the demo holds."""
    until(lambda: system.sql("SELECT name FROM ops.alerts_rule"), 60, "the first evaluation of the alert rules")
    samples = WORDS | {name: system.sql(statement)[0][0] for name, statement in THINGS.items()}
    found = {address.name: address.path for address in addresses(samples, PAGES)}
    return found | {name: found[name] + query.format(**samples) for name, query in QUERIES.items()}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fit_to_be_shown(paths: dict[str, str], as_role: SignIn, name: str) -> None:
    """A page answers, passes axe's rules, and does not scroll sideways: light and wide, dark and narrow."""
    look_at(as_role("admin"), paths[name])


def test_a_users_page_is_fit_to_be_shown(system: System, as_role: SignIn) -> None:
    """The page of the user with the longest mail, whose limits refused something, is as fit as the others."""
    (user,) = system.sql('SELECT id::text FROM public."user" ORDER BY length(email) DESC LIMIT 1')[0]
    columns = 'resource, user_id, key, route, client, request_id, "limit", source, policy, count'
    known = f"'audio_kept', '{user}', '{user}', 'POST /api/episodes', '192.0.2.9', 'r-1', 3600, 'tier', 'free', 12"
    system.sql(f"INSERT INTO ops.quotas_refusal ({columns}) VALUES ({known}) RETURNING id")
    page = as_role("admin")
    look_at(page, f"/quotas/users/{user}/")
    expect(page.locator("#quota-refusals")).to_contain_text("Tight loop")
    expect(page.get_by_role("button", name="Copy").first).to_be_attached()


def look_at(page: Page, path: str) -> None:
    for theme, viewport in LOOKS.items():
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        answer = page.goto(path)
        assert answer and answer.ok
        # Tables have become cards before they are looked at.
        page.wait_for_function("document.readyState === 'complete'")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{theme}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], theme
        assert page.evaluate(HIDDEN_SIDEWAYS) == [], theme
