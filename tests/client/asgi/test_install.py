"""The order of the middlewares, on a real application: what a browser can read, and what is counted."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient
from starlette.middleware.cors import CORSMiddleware

from ops_client.asgi import Caller, QuotaMiddleware, current_request_id, install
from ops_client.asgi.enforcing import QuotasOff
from ops_client.errors import InvalidInput, StoreUnavailable
from ops_client.quotas.decide import Decision, Kind, Source
from ops_client.quotas.threads import Threads

ORIGIN = "https://app.example.com"
CORS = {"allow_origins": [ORIGIN]}
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
ALLOWED = Decision(True, "api_calls", Kind.RATE, 60, 59, Source.TIER, "free", reset_seconds=12.2, window_seconds=60)
REFUSED = replace(ALLOWED, allowed=False, remaining=0, retryable=True, retry_after_seconds=12.2)


class Quotas:
    """Answers what it was made with, and counts how often it was asked."""

    def __init__(self, answer: Decision | Exception = ALLOWED) -> None:
        self.answer = answer
        self.asked = 0
        self.threads = Threads()
        self.off = ""

    def hit(self, resource: str, user_id: str, **_: Any) -> Decision:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def told_off(self, why: str) -> None:
        self.off = why


def application(quotas: Any, how: str, **options: Any) -> FastAPI:
    """An application with CORS given to `install`, or added before or after it."""
    app = FastAPI()

    @app.post("/echo")
    @app.get("/echo")
    def echo() -> dict[str, str]:
        return {"request_id": current_request_id.get()}

    @app.get("/fails")
    def fails() -> None:
        raise RuntimeError("a fault of the application")

    @app.get("/fails-late")
    def fails_late() -> StreamingResponse:
        def parts() -> Iterator[str]:
            yield "begun"
            raise RuntimeError("after the beginning")

        return StreamingResponse(parts())

    if how == "before":
        app.add_middleware(CORSMiddleware, **CORS)
    install(app, quotas, body_limit_bytes=10, cors=CORS if how == "given" else None, **options)
    if how == "after":
        app.add_middleware(CORSMiddleware, **CORS, expose_headers=["X-Request-ID", "Retry-After"])
    return app


@pytest.mark.parametrize("how", ["given", "before", "after"])
@pytest.mark.parametrize(
    ("answer", "body", "status"),
    [(ALLOWED, b"", 200), (REFUSED, b"", 429), (ALLOWED, b"x" * 11, 413), (StoreUnavailable("away"), b"", 503)],
)
def test_a_browser_can_read_every_answer(how: str, answer: Any, body: bytes, status: int) -> None:
    """CORS headers and the request's id are on refusals too, whatever the order in which CORS was added."""
    with TestClient(application(Quotas(answer), how)) as client:
        answered = client.post("/echo", content=body, headers={"Origin": ORIGIN, "X-Request-ID": "r-1"})
    assert answered.status_code == status
    assert answered.headers["access-control-allow-origin"] == ORIGIN
    assert {"X-Request-ID", "Retry-After"} <= set(answered.headers["access-control-expose-headers"].split(", "))
    assert (answered.headers["x-request-id"], answered.json()["request_id"]) == ("r-1", "r-1")


@pytest.mark.parametrize("how", ["given", "before", "after"])
def test_a_preflight_is_answered_and_not_counted(how: str) -> None:
    """Also of a caller who has used up their rate."""
    quotas = Quotas(REFUSED)
    with TestClient(application(quotas, how)) as client:
        answered = client.options("/echo", headers=PREFLIGHT)
    assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert quotas.asked == 0


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'r"1', "r\u00fc"])
def test_a_request_id_that_cannot_be_used_is_replaced(given: str) -> None:
    """It goes into headers, logs and tables."""
    with TestClient(application(Quotas(), "given")) as client:
        answered = client.get("/echo", headers={"X-Request-ID": given.encode("latin-1")})
    assert len(answered.json()["request_id"]) == 32
    assert answered.headers["x-request-id"] == answered.json()["request_id"]


def test_a_body_too_large_is_not_counted() -> None:
    """It is refused before anybody asks the database."""
    quotas = Quotas()
    with TestClient(application(quotas, "given")) as client:
        assert client.post("/echo", content=b"x" * 11).status_code == 413
    assert quotas.asked == 0


@pytest.mark.parametrize(
    ("how", "options", "field"),
    [("before", {"cors": CORS}, "cors"), ("given", {}, "app"), ("none", {"trusted_proxies": 1}, "quotas")],
)
def test_options_that_contradict_each_other_are_refused(how: str, options: dict[str, Any], field: str) -> None:
    """Before the application has started, naming what is wrong."""
    app = FastAPI() if how == "none" else application(Quotas(), how) if how == "given" else FastAPI()
    if how == "before":
        app.add_middleware(CORSMiddleware, **CORS)
    with pytest.raises(InvalidInput) as refused:
        install(app, None, **options)
    assert refused.value.field == field


def test_production_without_limits_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turned off with DEBUG off, neither application nor middleware is made; the error names the setting."""
    monkeypatch.setenv("OPS_QUOTAS", "off")
    with pytest.raises(QuotasOff, match="OPS_QUOTAS_MAY_BE_OFF"):
        application(Quotas(), "given")
    with pytest.raises(QuotasOff):
        QuotaMiddleware(FastAPI(), Quotas())  # type: ignore[arg-type]


@pytest.mark.parametrize("permission", ["1", ""])
def test_where_limits_may_be_off_the_console_shows_it(monkeypatch: pytest.MonkeyPatch, permission: str) -> None:
    """Allowed by the named setting, or in DEBUG, nobody is limited, and the process reports so."""
    monkeypatch.setenv("OPS_QUOTAS", "off")
    monkeypatch.setenv("OPS_QUOTAS_MAY_BE_OFF", permission)
    quotas = Quotas(REFUSED)
    with TestClient(application(quotas, "given", debug=not permission)) as client:
        assert client.get("/echo").status_code == 200
    assert "OPS_QUOTAS is off" in quotas.off


@pytest.mark.parametrize("how", ["given", "before", "after"])
def test_a_browser_can_read_the_answer_to_an_unhandled_error(how: str) -> None:
    """500 with CORS and the request id; the error itself goes on to the server, which logs it."""
    app = application(Quotas(), how, resource="api_calls", identify=lambda request: Caller("u1"))
    answer = TestClient(app, raise_server_exceptions=False).get("/fails", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    with pytest.raises(RuntimeError, match="a fault of the application"):
        TestClient(app).get("/fails")


def test_an_answer_that_has_begun_stays_as_it_is() -> None:
    """Nothing is sent after it; the error goes on."""
    app = application(Quotas(), "given", resource="api_calls", identify=lambda request: Caller("u1"))
    with pytest.raises(RuntimeError, match="after the beginning"):
        TestClient(app).get("/fails-late")


def test_an_own_handler_answers() -> None:
    """Whoever has one for every error keeps it."""
    app = application(Quotas(), "given", resource="api_calls", identify=lambda request: Caller("u1"))

    @app.exception_handler(Exception)
    async def own(_: Any, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(f"own: {error}", 500)

    answer = TestClient(app, raise_server_exceptions=False).get("/fails")
    assert answer.text == "own: a fault of the application"
