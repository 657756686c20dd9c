"""What users see of their own limits, and the places that assemblies hold."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import Client

from demo.database import Database
from demo.storage import BYTES, MEASURE, seconds_of
from ops_client.errors import StoreUnavailable
from ops_client.quotas.client import QuotaClient
from ops_client.quotas.decide import Decision, Kind, Source
from ops_client.quotas.guard import QuotaExceeded
from ops_client.quotas.usage import Usage
from tests.waiting import until

PRO = {"user": "pro@example.com"}
RESETS = datetime(2026, 12, 1, tzinfo=UTC)
USAGES = [
    Usage("storage_bytes", "Storage", "bytes", Kind.STORAGE, 100, 96, Source.OVERRIDE, "override", None, None),
    Usage("audio_kept", "Audio kept", "seconds", Kind.STORAGE, 90_000, 3_600, Source.TIER, "pro", None, None),
    Usage("episodes_per_month", "Episodes", "episodes", Kind.ALLOWANCE, None, 7, Source.TIER, "pro", None, RESETS),
]


@pytest.fixture
def usages(monkeypatch: pytest.MonkeyPatch) -> list[Usage]:
    monkeypatch.setattr(QuotaClient, "usage", lambda *_args, **_named: USAGES)
    return USAGES


def test_a_front_end_gets_usage_against_limits(client: Client, usages: list[Usage]) -> None:
    """Plain values with the share used, what is left, where the limit comes from, and a soft warning."""
    body = client.get("/quota", params=PRO).json()
    storage, audio, episodes = body["resources"]
    assert (body["tier"], storage["used_percent"], storage["remaining"], storage["warning"]) == (
        "pro",
        96.0,
        4,
        "nearly",
    )
    assert (storage["limit_source"], audio["warning"], audio["used"]) == ("override", None, 3_600)
    assert (episodes["limit"], episodes["remaining"], episodes["resets_at"]) == (None, None, RESETS.isoformat())


def test_a_user_sees_bars_and_what_to_know(client: Client, usages: list[Usage]) -> None:
    """The page says in words what is nearly used up, and shows hours as hours."""
    page = client.get("/quota/bars", params=PRO).text
    assert "Storage: nearly used up." in page
    assert "Audio kept: 1.0 h of 25.0 h" in page
    assert page.count("<meter") == 3


@pytest.mark.parametrize("path", ["/quota", "/quota/bars"])
def test_nobody_in_particular_has_no_usage(client: Client, path: str) -> None:
    """Without a user it is a 422 that says so, for an unknown one a 404."""
    assert client.get(path).status_code == 422
    assert client.get(path, params={"user": "nobody@example.com"}).status_code == 404


def test_usage_with_the_database_away(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a 503 with Retry-After, not a page of empty bars."""

    def away(*_args: Any, **_named: Any) -> list[Usage]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(QuotaClient, "usage", away)
    answer = client.get("/quota", params=PRO)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


class Place:
    """A place that remembers what became of it."""

    def __init__(self) -> None:
        self.held = False

    def __enter__(self) -> "Place":
        self.held = True
        return self

    def __exit__(self, *_error: object) -> None:
        self.held = False


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place()
    monkeypatch.setattr(QuotaClient, "lease", lambda *_args, **_named: place)
    monkeypatch.setattr(QuotaClient, "all_of", lambda *_args, **_named: Place())
    yield place


def upload(client: Client) -> str:
    return str(client.post("/api/episodes", params=PRO, json={"size_bytes": 1024}).json()["episode_id"])


def test_an_assembly_holds_its_place_until_it_is_done(client: Client, place: Place) -> None:
    """The owner's place is held while the worker works, and free when it has finished."""
    assert client.post(f"/api/assemble/{upload(client)}").status_code == 202
    assert place.held
    until(lambda: not place.held, 15, "the end of the assembly")


def test_an_assembly_that_cannot_begin_holds_nothing(client: Client, database: Database, place: Place) -> None:
    """A row that names no recording gives its place back at once."""
    odd = "SELECT id::text FROM public.episode WHERE status = 'processing' AND meta_json = '[]' LIMIT 1"
    assert client.post(f"/api/assemble/{database.fetch(odd)[0]['id']}").status_code == 422
    assert not place.held


def test_too_many_assemblies_at_once(client: Client, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than the owner may have is a 429 with Retry-After, and the episode waits as it did."""
    episode_id = upload(client)
    full = Decision(False, "concurrent_assemblies", Kind.CONCURRENCY, 3, 0, Source.TIER, "pro", 5.0, 5.0, True)

    def refuse(*_args: Any, **_named: Any) -> None:
        raise QuotaExceeded(full)

    monkeypatch.setattr(QuotaClient, "lease", refuse)
    answer = client.post(f"/api/assemble/{episode_id}")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["limit"]) == (429, "5", 3)
    episodes = client.get("/api/episodes", params=PRO | {"status": "pending"}).json()["episodes"]
    assert episode_id in [episode["id"] for episode in episodes]


def test_what_is_measured_is_what_uploads_count(client: Client, database: Database, place: Place) -> None:
    """The measured totals grow by exactly what an upload reserves, in bytes and in seconds of audio."""
    user_id = client.get("/api/hello", params=PRO).json()["user_id"]
    wanted = {"bytes_a_second": 27_778, "user_id": user_id}
    (before,) = database.fetch(MEASURE, wanted)
    client.post("/api/episodes", params=PRO, json={"size_bytes": 26_214_400})
    (after,) = database.fetch(MEASURE, wanted)
    assert after[BYTES] - before[BYTES] == 26_214_400
    assert after["audio_kept"] - before["audio_kept"] == seconds_of(26_214_400) == 943
