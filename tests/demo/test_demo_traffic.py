"""The traffic maker is calm: it waits as it is told, and outlives a backend that is away."""

import httpx
import pytest

from demo.traffic import AWAY_PAUSE_SECONDS, Traffic, pause_seconds

USERS = {"users": [{"id": "one"}]}


def traffic(answer: httpx.Response, seen: list[str]) -> Traffic:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200, json=USERS) if request.url.path == "/api/users" else answer

    return Traffic(httpx.Client(base_url="http://backend", transport=httpx.MockTransport(handle)))


def test_goes_on() -> None:
    """While all is well, every step is a request."""
    seen: list[str] = []
    maker = traffic(httpx.Response(200), seen)
    assert [maker.step() for _ in range(10)] == [0.0] * 10
    assert maker.answers == {200: 10}


def test_limited_user_is_left_alone() -> None:
    """After a 429 that user asks no more until Retry-After is over."""
    seen: list[str] = []
    maker = traffic(httpx.Response(429, headers={"Retry-After": "60"}), seen)
    for _ in range(50):
        maker.step()
    assert maker.answers == {429: 1}


def test_unavailable_path_is_left_alone() -> None:
    """After a 503 that path is asked no more until Retry-After is over."""
    seen: list[str] = []
    maker = traffic(httpx.Response(503, headers={"Retry-After": "60"}), seen)
    for _ in range(200):
        maker.step()
    paths = [path for path in seen if path != "/api/users"]
    assert len(paths) == len(set(paths))


def test_uploads_are_assembled() -> None:
    """What was uploaded is given to the worker a little later."""
    seen: list[str] = []
    maker = traffic(httpx.Response(201, json={"episode_id": "new"}), seen)
    for _ in range(300):
        maker.step()
    assert "/api/assemble/new" in seen


def test_outlives_the_backend() -> None:
    """A backend that is away is asked again after a pause."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    maker = Traffic(httpx.Client(base_url="http://backend", transport=httpx.MockTransport(refuse)))
    assert [maker.step(), maker.step()] == [AWAY_PAUSE_SECONDS] * 2


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("99999", 300), (None, 1), ("", 1), ("Wed, 21 Oct 2026 07:28:00 GMT", 1)]
)
def test_retry_after(header: str | None, seconds: float) -> None:
    """A Retry-After in seconds is obeyed up to five minutes; one that cannot be read means a second."""
    assert pause_seconds(header) == seconds
