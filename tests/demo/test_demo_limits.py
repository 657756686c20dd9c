"""Limits are enforced at the door, and say themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from httpx import Client

from ops_client.errors import NotFound, StoreUnavailable
from ops_client.quotas.client import QuotaClient
from ops_client.quotas.decide import Decision, Kind, Source
from ops_client.quotas.guard import QuotaExceeded

PRO = {"user": "pro@example.com"}
HELD: list[str] = []


def decision(allowed: bool, kind: Kind = Kind.RATE) -> Decision:
    window = 60 if kind is Kind.RATE else None
    return Decision(
        allowed=allowed, resource="api_calls", kind=kind, limit=100, remaining=1 if allowed else 0,
        source=Source.TIER, policy="pro", reset_seconds=7.2, retry_after_seconds=0 if allowed else 7.2,
        retryable=not allowed and kind is Kind.RATE, window_seconds=window,
    )  # fmt: skip


@contextmanager
def room() -> Iterator[None]:
    HELD.append("held")
    try:
        yield
    except Exception:
        HELD.append("released")
        raise
    HELD.append("committed")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the quotas answer; an exception is raised."""
    wanted: dict[str, Any] = {"hit": decision(True), "all_of": room()}
    HELD.clear()

    def answer(method: str) -> Any:
        if isinstance(wanted[method], Exception):
            raise wanted[method]
        return wanted[method]

    monkeypatch.setattr(QuotaClient, "hit", lambda *_args, **_named: answer("hit"))
    monkeypatch.setattr(QuotaClient, "all_of", lambda *_args, **_named: answer("all_of"))
    return wanted


def test_within_the_limit(client: Client, answers: dict[str, Any]) -> None:
    """An answer within the limit tells the limit in force."""
    answer = client.get("/api/hello", params=PRO)
    assert answer.status_code == 200
    assert answer.headers["ratelimit"] == '"api_calls";r=1;t=8'


@pytest.mark.parametrize("path", ["/api/hello", "/api/flags/x", "/api/episodes"])
def test_over_the_limit(client: Client, answers: dict[str, Any], path: str) -> None:
    """Over the limit every counted route answers 429 with Retry-After and the limit that decided."""
    answers["hit"] = decision(False)
    answer = client.get(path, params=PRO)
    assert (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
    assert int(answer.headers["retry-after"]) >= 8
    assert (answer.json()["limit"], answer.json()["limit_source"]) == (100, "tier")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/faults", "/", "/api/hello"])
def test_not_counted(client: Client, answers: dict[str, Any], path: str) -> None:
    """Health checks, the page, and calls of nobody in particular are counted against no one."""
    answers["hit"] = decision(False)
    assert client.get(path).status_code == 200


def test_undefined_resource_limits_nobody(client: Client, answers: dict[str, Any]) -> None:
    """While the console has no such resource, calls and uploads go through."""
    answers["hit"] = answers["all_of"] = NotFound("resource", "api_calls")
    assert client.get("/api/hello", params=PRO).status_code == 200
    assert client.post("/api/episodes", params=PRO, json={}).status_code == 201


def test_no_answer_from_a_closed_resource(client: Client, answers: dict[str, Any]) -> None:
    """A resource that is closed without its store makes the call a 503 with Retry-After."""
    answers["hit"] = StoreUnavailable("away")
    answer = client.get("/api/hello", params=PRO)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


def test_upload_commits_its_room(client: Client, answers: dict[str, Any]) -> None:
    """A stored recording keeps the room that was held for it."""
    assert client.post("/api/episodes", params=PRO, json={}).status_code == 201
    assert HELD == ["held", "committed"]


def test_failed_upload_releases_its_room(client: Client, answers: dict[str, Any]) -> None:
    """A recording that could not be stored gives its room back."""
    assert client.post("/api/episodes", params=PRO, json={"title": "\x00"}).status_code == 422
    assert HELD == ["held", "released"]


def test_no_room(client: Client, answers: dict[str, Any]) -> None:
    """A recording that does not fit is refused as too large, without a time to try again."""
    answers["all_of"] = QuotaExceeded(decision(False, Kind.STORAGE))
    answer = client.post("/api/episodes", params=PRO, json={})
    assert (answer.status_code, answer.json()["retryable"]) == (413, False)
    assert "retry-after" not in answer.headers


def test_endless_body_is_refused(client: Client) -> None:
    """A body sent in chunks, its size unsaid, is refused when it passes the limit."""
    chunks = (b"x" * 65536 for _ in range(100))
    answer = client.post("/api/episodes", params=PRO, content=chunks, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
