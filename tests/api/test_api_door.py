"""The door of the JSON API: one form of failure, rates, JSON only, and what an answer's headers say."""

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from redis.exceptions import ConnectionError as RedisAway

from flags import services as flags
from flags.models import Flag
from ops_console.access.roles import Role
from ops_console.api_base import path_of
from ops_console.api_base.schema import ConsoleAPI
from ops_console.api_base.scopes import closed
from ops_console.errors import NotAllowed
from tests.api.calling import calling
from tests.people import actor

pytestmark = pytest.mark.django_db
FLAGS = "/api/v1/flags"


def test_a_failure_is_a_problem_document() -> None:
    """Every failure has RFC 9457's members, a code, and the request's id, which is also in a header."""
    answer = Client().get(FLAGS)
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (body["type"], body["title"], body["status"]) == ("about:blank", "Unauthorized", 401)
    assert body["code"] == "not_authenticated" and body["detail"] and body["request_id"]
    assert answer.headers["X-Request-ID"] == body["request_id"]


def test_a_method_that_is_not_offered_is_said() -> None:
    """405 is a problem too, with Allow."""
    answer = calling().delete(FLAGS)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_an_address_that_is_not_there_is_a_problem_too() -> None:
    """404 below /api is JSON for everybody."""
    answer = Client().get("/api/v1/nothing-of-ours")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_only_json_is_answered_and_taken() -> None:
    """Who accepts only HTML hears 406; a form that is posted hears 415."""
    assert calling().get(FLAGS, headers={"Accept": "text/html"}).status_code == 406
    assert calling().get(FLAGS, headers={"Accept": "application/*"}).status_code == 200
    assert calling().post(FLAGS, {"name": "x"}).status_code == 415


@pytest.mark.parametrize("body", ["{", '{"name": NaN}', '{"name": "\\u0000"}', '{"name": "\\ud800"}', "[" * 100_000])
def test_a_body_that_cannot_be_kept_is_refused_whole(body: str) -> None:
    """Broken JSON, NaN, NUL, half a surrogate pair and endless nesting hear 400, and nothing breaks."""
    answer = calling().post(FLAGS, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")


def test_a_body_that_is_missing_is_called_a_body() -> None:
    """A call without the body that it needs hears of the body, not of a name inside the program."""
    said = calling().post(FLAGS, "", content_type="application/json").json()
    assert (said["status"], said["field"], said["detail"]) == (422, "body", "body: Field required.")


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=x", "limit"), ("a=1", "a"), ("q=%00", "q"), ("cursor=x", "cursor")],
)
def test_a_wrong_parameter_is_named(query: str, field: str) -> None:
    """What is wrong in the query, a parameter that nobody knows included, hears 422 naming it."""
    answer = calling().get(f"{FLAGS}?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_a_body_over_the_limit_hears_413() -> None:
    """A body that is too large is a problem document as well."""
    answer = calling().post(FLAGS, '{"note": "%s"}' % ("x" * 200), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@override_settings(API_RATE="3/h")
def test_each_token_has_its_rate() -> None:
    """The fourth call in the hour hears 429 with Retry-After; headers count down; another token is not concerned."""
    first, other = calling(), calling(Role.VIEWER)
    left = [first.get(FLAGS).headers["RateLimit"].split(";")[1] for _ in range(3)]
    refused = first.get(FLAGS)
    assert left == ["r=2", "r=1", "r=0"]
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
    assert int(refused.headers["Retry-After"]) >= 1 and refused.headers["RateLimit-Policy"] == '"token";q=3;w=3600'
    assert other.get(FLAGS).status_code == 200


def test_without_the_cache_calls_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache that counts is away: calls are answered, uncounted."""

    def away(*_: object, **__: object) -> None:
        raise RedisAway

    client = calling()
    monkeypatch.setattr(type(caches["default"]), "add", away)
    answer = client.get(FLAGS)
    assert answer.status_code == 200 and "RateLimit" not in answer.headers


def test_a_list_is_paged_by_its_next_link() -> None:
    """Following `next` shows every flag once, in order, keeping the filter; the last page has none."""
    for number in range(5):
        flags.create(actor(), f"flag-{number}", {"owner": "web"})
    client, names, url = calling(), [], f"{FLAGS}?limit=2&q=web"
    while url:
        page = client.get(url).json()
        names += [item["name"] for item in page["items"]]
        url = page["next"]
    assert names == [f"flag-{number}" for number in range(5)]


def test_a_call_costs_a_constant_number_of_queries() -> None:
    """Token and person are one query, and thirty flags cost no more than one."""
    client = calling()
    flags.create(actor(), "first", {})
    client.get(FLAGS)
    with CaptureQueriesContext(connection) as for_one:
        client.get(FLAGS)
    for number in range(30):
        flags.create(actor(), f"flag-{number}", {})
    with CaptureQueriesContext(connection) as for_many:
        client.get(FLAGS)
    assert len(for_many) == len(for_one) <= 3
    assert Flag.objects.count() == 31


def test_names_are_written_for_paths() -> None:
    """A plain name is encoded once, one with a slash or a percent sign twice."""
    assert path_of("/flags/{}", "new player") == "/api/v1/flags/new%20player"
    assert (
        path_of(
            "/flags/{}/why",
            "a/why",
        )
        == "/api/v1/flags/a%252Fwhy/why"
    )


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [(RuntimeError("a fault"), 500, "fault", None), (OperationalError("away"), 503, "database_away", "5")],
)
def test_faults_are_problems_too(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str, retry: str | None
) -> None:
    """A fault of ours hears 500 without its words; a database that is away 503 with Retry-After."""

    def fail(*_: object) -> None:
        raise error

    client = calling()
    client.raise_request_exception = False
    monkeypatch.setattr("flags.queries.flags", fail)
    answer = client.get(FLAGS)
    assert (answer.status_code, answer.json()["code"], answer.headers.get("Retry-After")) == (status, code, retry)
    assert str(error) not in answer.json()["detail"]


def test_an_operation_that_names_no_scope_is_closed() -> None:
    """What forgets its scope is refused to an admin's token with every scope."""
    request = RequestFactory().get(FLAGS)
    with pytest.raises(NotAllowed, match="names no scope"):
        closed(request)
    assert ConsoleAPI("x").auth == [closed]
