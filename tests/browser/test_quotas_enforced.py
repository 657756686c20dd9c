"""The demo backend enforces all four kinds, and an operator's edit changes the very next request."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn
from tests.system import System
from tests.waiting import until

pytestmark = pytest.mark.browser
USER = "pro@example.com"
SMALL = {"title": "Of a test", "size_bytes": 1_000_000}


def send(system: System, method: str, path: str, body: object = None) -> httpx.Response:
    return httpx.request(method, system.backend_url + path, params={"user": USER}, json=body, timeout=20)


def call(system: System) -> httpx.Response:
    return send(system, "GET", "/api/hello")


def upload(system: System) -> httpx.Response:
    return send(system, "POST", "/api/episodes", SMALL)


def assemble(system: System) -> httpx.Response:
    """A new upload, given to the worker."""
    return send(system, "POST", f"/api/assemble/{upload(system).json()['episode_id']}")


def override(page: Page, title: str, limit: str) -> None:
    """As an operator does: the button, the dialog, and the answer that it is saved."""
    page.get_by_role("link", name=f"Override of {title}").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Limit, in").fill(limit)
    dialog.get_by_label("Reason").fill("a test of what holds next")
    dialog.get_by_role("button", name="Save override").click()
    expect(page.get_by_role("button", name=f"Remove the override of {title}")).to_be_visible()


@pytest.mark.parametrize(
    ("title", "resource", "ask", "refused"),
    [
        ("API calls", "api_calls", call, 429),
        ("Storage", "storage_bytes", upload, 413),
        ("Audio kept", "audio_kept", upload, 413),
        ("Episodes a month", "episodes_per_month", upload, 429),
        ("Assemblies at once", "concurrent_assemblies", assemble, 429),
    ],
)
def test_an_edit_changes_the_very_next_request(
    system: System, as_role: SignIn, title: str, resource: str, ask, refused: int
) -> None:
    """A limit of 0 refuses the next request with that limit and its source; without it the next one passes again."""
    (user_id,) = system.sql(f"SELECT id::text FROM public.\"user\" WHERE email = '{USER}'")[0]
    until(lambda: ask(system).is_success, 30, "a request within the limits")
    page = as_role()
    page.goto(f"/quotas/users/{user_id}/")
    override(page, title, "0")
    answer = ask(system)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (refused, "application/problem+json")
    assert (body["resource"], body["limit"], body["limit_source"]) == (resource, 0, "override")
    assert (body["code"], body["retryable"]) == ("quota_exceeded", False)
    remove = page.get_by_role("button", name=f"Remove the override of {title}")
    remove.click()
    expect(remove).to_have_count(0)
    assert ask(system).is_success


def test_a_user_sees_their_own_bars(system: System, page: Page) -> None:
    """The backend's page shows each resource against its limit, hours as hours, without a script."""
    page.goto(f"{system.backend_url}/quota/bars?user={USER}")
    expect(page.locator("meter")).to_have_count(5)
    expect(page.locator("#quotas")).to_contain_text("h of 25.0 h")


def all_measured(system: System) -> bool:
    """A measuring that failed (its database was too busy, say) is asked for again, as an operator would."""
    system.sql(
        "UPDATE ops.quotas_recount SET finished_at = NULL, held_until = NULL, error = '' WHERE error <> '' RETURNING id"
    )
    done = "SELECT count(*) > 0 AND count(*) = count(finished_at) FROM ops.quotas_recount"
    return bool(system.sql(done)[0][0])


def test_levels_begin_at_what_is_there(system: System) -> None:
    """What the seed asked for is measured by the running backend: the levels are the files' sizes."""
    until(lambda: all_measured(system), 60, "the recounts")
    wrong = system.sql(
        "SELECT count(*) FROM (SELECT user_id::text AS user_id, sum(filesize) AS size FROM public.mediaitem "
        "GROUP BY 1) m LEFT JOIN ops.quotas_level l ON l.resource = 'storage_bytes' AND l.user_id = m.user_id "
        "WHERE coalesce(l.used, 0) <> coalesce(m.size, 0)"
    )
    assert wrong == [(0,)]
