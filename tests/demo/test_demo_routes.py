"""The backend's own routes, and how they refuse."""

from typing import Any

import pytest
from httpx import Client

from ops_client.testing import MemoryStore
from tests.waiting import until

PROBLEM = "application/problem+json"
NOBODY = "00000000-0000-4000-8000-00000000dead"


def test_hello_for_nobody(client: Client) -> None:
    """Without a user and without the flag everybody has the classic player."""
    answer = client.get("/api/hello").json()
    assert (answer["player"], answer["enabled"], answer["user_id"]) == ("classic", False, None)


def test_hello_by_mail_and_by_id(client: Client) -> None:
    """A user is found by mail and by id."""
    by_mail = client.get("/api/hello", params={"user": "pro@example.com"}).json()
    by_id = client.get("/api/hello", params={"user": by_mail["user_id"]}).json()
    assert by_mail == by_id
    assert by_mail["tier"] == "pro"


def test_hello_without_a_database(lost_client: Client) -> None:
    """Flags are answered while the database is away."""
    answer = lost_client.get("/api/hello", params={"user": NOBODY})
    assert (answer.status_code, answer.json()["user_id"]) == (200, NOBODY)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/static/nothing.css", 404),
        ("/api/hello?user=nobody@example.com", 404),
        ("/api/hello?user=not-a-uuid", 404),
        (f"/api/hello?user={NOBODY}", 404),
        ("/api/hello?user=%00", 422),
        ("/api/episodes", 422),
        ("/api/episodes?user=pro@example.com&limit=0", 422),
        ("/api/episodes?user=pro@example.com&limit=x", 422),
        ("/api/assemble/not-a-uuid", 405),
        ("/api/users?limit=100000", 422),
    ],
)
def test_refusals(client: Client, path: str, status: int) -> None:
    """Every refusal carries its status in header and body, and a sentence."""
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert (answer.json()["status"], bool(answer.json()["detail"])) == (status, True)


@pytest.mark.parametrize("path", [f"/api/episodes?user={NOBODY}", "/api/users", "/api/hello?user=a@example.com"])
def test_database_away(lost_client: Client, path: str) -> None:
    """What needs the database answers 503 with a time to ask again."""
    answer = lost_client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert int(answer.headers["retry-after"]) > 0


def test_unknown_status_is_no_error(client: Client) -> None:
    """A status label that the database does not have finds nothing."""
    answer = client.get("/api/episodes", params={"user": "pro@example.com", "status": "exploded"})
    assert (answer.status_code, answer.json()["episodes"]) == (200, [])


def test_times_are_utc(client: Client) -> None:
    """Naive times of the tables leave as UTC."""
    row = client.get("/api/episodes", params={"user": "pro@example.com"}).json()["episodes"][0]
    assert row["created_at"].endswith(("Z", "+00:00"))


@pytest.mark.parametrize(
    "body", [{"size_bytes": 0}, {"size_bytes": -1}, {"size_bytes": 10**12}, {"title": "x" * 201}, {"title": "\x00"}, []]
)
def test_bad_upload(client: Client, body: object) -> None:
    """An upload of an impossible size or title is refused by name."""
    answer = client.post("/api/episodes", params={"user": "pro@example.com"}, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


@pytest.mark.parametrize(
    "dials",
    [{"nobody": {}}, {"gemini": {"error_rate": 1.1}}, {"gemini": {"latency_ms": -1}}, {"gemini": {"rate": 1}}, [1]],
)
def test_bad_dials(client: Client, dials: object) -> None:
    """A dial that does not exist or goes too far turns none."""
    before = client.get("/faults").json()
    assert client.post("/faults", json=dials).status_code == 422
    assert client.get("/faults").json() == before


def test_dials_turn(client: Client) -> None:
    """A dial is turned, and back to health by an empty one."""
    turned = client.post("/faults", json={"gemini": {"error_rate": 0.5, "latency_ms": 10}}).json()
    assert turned["gemini"] == {"error_rate": 0.5, "latency_ms": 10, "hang": False, "unpaid": False}
    assert client.post("/faults", json={"gemini": {}}).json()["gemini"]["error_rate"] == 0


def test_page_escapes(client: Client) -> None:
    """A name that is HTML is shown as text, and no script or style stands inside the page."""
    page = client.get("/", params={"user": "unusual+2@example.com"})
    assert page.status_code == 200
    assert "&lt;b&gt;Bob" in page.text
    assert "<b>Bob" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("user", ['"><script>alert(1)</script>', "nobody@example.com", "not-a-uuid"])
def test_page_of_nobody(client: Client, user: str) -> None:
    """A user that is not there still has a page, with what was typed escaped."""
    page = client.get("/", params={"user": user})
    assert page.status_code == 200
    assert "no such user" in page.text
    assert "<script>alert" not in page.text


def test_page_without_a_database(lost_client: Client) -> None:
    """The page stands with the database away, and says what it cannot show."""
    page = lost_client.get("/", params={"user": NOBODY})
    assert page.status_code == 200
    assert "Unavailable" in page.text


def test_hello_obeys_the_flag(client: Client, shared: MemoryStore) -> None:
    """A flag that lets one tier in changes the answer for that tier alone."""
    constraint = {"field": "tier", "operator": "IN", "values": ["pro"]}
    flag = {"name": "new_player", "everyone": None, "rules": [{"name": "pros", "constraints": [constraint]}]}
    shared.set_tables(flags=[{**flag, "version": 1}])
    until(lambda: hello(client, "pro") == "new")
    assert hello(client, "free") == "classic"
    shared.set_tables(flags=[{**flag, "everyone": False, "version": 2}])
    until(lambda: hello(client, "pro") == "classic")


def hello(client: Client, tier: str) -> str:
    answer: str = asked(client, tier)["player"]
    return answer


def asked(client: Client, tier: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/api/hello", params={"user": f"{tier}@example.com"}).json()
    return answer


def test_a_segment_a_parent_and_a_variant_decide(client: Client, shared: MemoryStore) -> None:
    """Chapters go by a segment; the theme is a variant, for whoever the parent lets in; the page says why."""
    pros = {"name": "pros", "constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}
    flags = [
        {"name": "new_player", "rules": [{"segments": ["pros"]}]},
        {"name": "magic_chapters", "rules": [{"name": "who pays", "segments": ["pros"]}]},
        {
            "name": "player_theme",
            "rules": [{}],
            "prerequisites": [{"flag": "new_player"}],
            "variants": [{"name": "midnight", "weight": 1}],
        },
    ]
    shared.set_tables(flags=flags, segments=[pros])
    until(lambda: hello(client, "pro") == "new")
    found = {tier: asked(client, tier) for tier in ("pro", "free")}
    assert [(found[tier]["theme"], found[tier]["chapters"]) for tier in found] == [("midnight", True), ("plain", False)]
    page = client.get("/", params={"user": "pro@example.com"}).text
    assert "New player, midnight" in page and "who pays lets it in" in page
    page = client.get("/", params={"user": "free@example.com"}).text
    assert "flag new_player must be on" in page
