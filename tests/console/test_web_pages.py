"""One view answers with a page or with a part of it, and failures become sentences."""

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.test import Client
from psycopg import errors

from ops_console.web import problems
from tests.console.gallery import fixtures

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client() -> Iterator[Client]:
    """A signed-in operator on the gallery, answered 500 where a browser would be."""
    with fixtures.installed():
        browser = Client(raise_request_exception=False)
        user = get_user_model().objects.create_user("ann", "ann@example.org", "x" * 20, role="operator")
        browser.force_login(user)
        yield browser


def text(response: Any) -> str:
    return str(response.content.decode())


def test_a_browser_gets_the_page(client: Client) -> None:
    """Without htmx the whole page comes, frame included."""
    assert "<!doctype html>" in text(client.get("/"))


def test_htmx_gets_the_part_that_it_targets(client: Client) -> None:
    """With htmx's target set to a panel, that panel and nothing else comes."""
    body = text(client.get("/", headers={**HTMX, "HX-Target": "rows"})).strip()
    assert '<section id="rows"' in body and '<form id="rows-filter"' in body
    assert "<!doctype" not in body


@pytest.mark.parametrize("target", ["unknown", "../rows", "rows#x", "A" * 200])
def test_a_target_without_a_part_gets_the_page(client: Client, target: str) -> None:
    """What htmx names as its target only ever picks a part of the same template."""
    assert "<!doctype html>" in text(client.get("/", headers={**HTMX, "HX-Target": target}))


def test_a_restored_history_entry_is_a_page(client: Client) -> None:
    """The browser's Back button gets the page again, not a part of it."""
    headers = {**HTMX, "HX-Target": "rows", "HX-History-Restore-Request": "true"}
    assert "<!doctype html>" in text(client.get("/", headers=headers))


def test_caches_keep_pages_and_parts_apart(client: Client) -> None:
    """The same address answers differently by htmx's headers, and says so."""
    assert {"HX-Request", "HX-Target"} <= {part.strip() for part in client.get("/")["Vary"].split(",")}


def test_text_from_users_is_escaped(client: Client) -> None:
    """Markup in a title is shown, never run."""
    body = text(client.get("/"))
    assert "&lt;b&gt;=SUM(A1)&lt;/b&gt;" in body
    assert "<b>=SUM" not in body


def test_csv_comes_with_formulas_defused(client: Client) -> None:
    """The list's CSV is a download."""
    response = client.get("/?format=csv")
    assert response["Content-Type"].startswith("text/csv")


def test_the_policy_allows_nothing_inline(client: Client) -> None:
    """The page is served under a policy without unsafe-inline and unsafe-eval."""
    policy = client.get("/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_done_tells_htmx_by_a_toast(client: Client) -> None:
    """After a change htmx gets 204, a toast, and the word to refresh and close the dialog."""
    response = client.post("/undo", headers=HTMX)
    assert response.status_code == 204
    told = json.loads(response["HX-Trigger"])
    assert told["ops:toast"]["text"] == "As it was."
    assert {"ops:refresh", "ops:close-dialog"} <= told.keys()


def test_done_without_htmx_shows_the_toast_on_the_next_page(client: Client) -> None:
    """Without JavaScript the browser is sent on, and the next page shows the toast, once."""
    response = client.post("/undo")
    assert (response.status_code, response["Location"]) == (303, "/")
    assert "As it was." in text(client.get("/"))
    assert "As it was." not in text(client.get("/"))


def test_a_question_is_a_page_or_a_dialog(client: Client) -> None:
    """The same address asks on a page of its own, or in the dialog when htmx asks for it."""
    assert "<!doctype html>" in text(client.get("/confirm"))
    dialog = text(client.get("/confirm", headers={**HTMX, "HX-Target": "dialog-body"}))
    assert "<!doctype" not in dialog
    assert 'hx-post="/confirm"' in dialog


def test_a_wrong_answer_comes_back_with_its_errors(client: Client) -> None:
    """An invalid form is 422, with the sentence at the field and tied to it."""
    response = client.post("/confirm", {"percent": "101"}, headers={**HTMX, "HX-Target": "dialog-body"})
    assert response.status_code == 422
    assert "less than or equal to 100" in text(response)
    assert 'aria-invalid="true"' in text(response)


def test_a_conflict_shows_both_versions(client: Client) -> None:
    """409 shows what stands now and what was sent, and offers to send it again on top of the newer version."""
    response = client.post("/fail/conflict", {"note": "mine", "version": "2"})
    assert response.status_code == 409
    assert "hers" in text(response)
    assert '<input type="hidden" name="version" value="3">' in text(response)


def test_a_conflict_opens_as_a_dialog_for_htmx(client: Client) -> None:
    """With htmx the two versions open over the page that the person was on."""
    response = client.post("/fail/conflict", {"version": "2"}, headers=HTMX)
    assert (response.status_code, response["HX-Retarget"]) == (409, "#dialog-body")


@pytest.mark.parametrize(
    ("what", "status", "says"),
    [("input", 422, "between 0 and 100"), ("missing", 404, "no flag of that name"), ("fault", 500, "logged")],
)
def test_errors_are_sentences(client: Client, what: str, status: int, says: str) -> None:
    """As a page, as JSON under /api/, and beside the page for htmx, an error says what would be right."""
    page = client.get(f"/fail/{what}")
    assert (page.status_code, says in text(page)) == (status, True)
    body = client.get(f"/api/fail/{what}")
    assert (body.status_code, says in body.json()["detail"]) == (status, True)
    part = client.get(f"/fail/{what}", headers=HTMX)
    assert (part.status_code, part["HX-Reswap"]) == (status, "none")


def test_a_database_that_is_away_is_503_that_retries(client: Client) -> None:
    """The page says so calmly, carries Retry-After and comes back by itself."""
    response = client.get("/fail/database")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert '<meta http-equiv="refresh" content="5">' in text(response)


def test_a_change_that_met_a_database_away_is_not_repeated_by_the_page(client: Client) -> None:
    """After a POST the page does not reload itself, and says that the outcome is not known."""
    response = client.post("/fail/database")
    assert "http-equiv" not in text(response)
    assert "may or may not have been saved" in text(response)


def test_a_database_away_before_the_view_is_503_too(client: Client) -> None:
    """Reading the session needs the database: that failure is the same calm page, not a bare 500."""
    with patch.object(connection, "cursor", side_effect=OperationalError("connection refused")):
        response = client.get("/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_a_statement_that_took_too_long_says_that_nothing_was_done() -> None:
    """A cancelled statement is told apart from a database that is away."""
    error = OperationalError("canceling statement")
    error.__cause__ = errors.QueryCanceled("canceling statement")
    assert "Nothing was changed" in problems.of_database(error, "POST").message


def test_a_body_over_the_limit_is_413(client: Client) -> None:
    """A 10 MB form is refused before it is read, with a sentence."""
    response = client.post("/undo", {"note": "x" * 10_000_000})
    assert response.status_code == 413
    assert "larger than the console takes" in text(response)


def test_a_form_without_its_token_is_refused_with_advice(client: Client) -> None:
    """403, and what to do about it."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    response = strict.post("/undo")
    assert response.status_code == 403
    assert "reload the page" in text(response)


def test_an_unknown_address_names_no_others(client: Client) -> None:
    """404 does not list what would have matched."""
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert "confirm" not in text(response)


def test_a_bad_cursor_is_a_sentence(client: Client) -> None:
    """A cut link is no fault of the console's."""
    response = client.get("/?cursor=xx")
    assert response.status_code == 422
    assert "Open the list again" in text(response)


def test_without_asgi_there_is_no_stream(client: Client) -> None:
    """Under WSGI a stream would hold a worker for ever: 204 ends it, and pages poll."""
    assert client.get("/live").status_code == 204


def test_the_stream_is_closed_to_who_is_not_signed_in(client: Client) -> None:
    """Without a session there is a redirect to the sign-in page, and no event."""
    response = Client().get("/live")
    assert response.status_code == 302
