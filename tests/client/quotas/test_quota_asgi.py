"""The middleware: who is limited, what a refusal looks like, and what is never limited."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from ops_client.asgi import Caller, QuotaMiddleware, route_costs
from ops_client.errors import InvalidInput, NotFound, StoreUnavailable
from ops_client.quotas.call import Call, current_call
from ops_client.quotas.decide import Decision, Kind, Source
from ops_client.quotas.threads import Threads

ALLOWED = Decision(
    True, "api_calls", Kind.RATE, 60, 59, Source.TIER, "free", reset_seconds=12.2, window_seconds=60
)  # fmt: skip
REFUSED = replace(ALLOWED, allowed=False, remaining=0, retryable=True, retry_after_seconds=12.2)


class Quotas:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, answer: Decision | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, ...]] = []
        self.call = Call()
        self.threads = Threads()
        self.off = ""

    def told_off(self, why: str) -> None:
        self.off = why

    def hit(self, resource: str, user_id: str, *, tier: str | None, cost: int | None) -> Decision:
        self.asked.append((resource, user_id, tier, cost))
        self.call = current_call.get()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class App:
    """Says hello, and under which call it was reached."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def __call__(self, scope, receive, send) -> None:
        self.calls.append(current_call.get())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": b"hello"})


PEER = ("192.0.2.9", 1)


def scope_of(path: str, headers=(), kind: str = "http", client=PEER, method: str = "GET") -> dict[str, Any]:
    return {"type": kind, "method": method, "path": path, "headers": list(headers), "client": client}


async def ignore(message) -> None:
    pass


def ask(quotas: Quotas, path: str = "/api/episodes", headers=(), kind="http", client=PEER, method="GET", **options):
    """Send one request; status, headers and body of the answer, and the application that was reached or not."""
    app, sent = App(), []

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(QuotaMiddleware(app, quotas, **options)(scope_of(path, headers, kind, client, method), None, send))
    told = {name.decode(): value.decode() for name, value in sent[0].get("headers", [])}
    return sent[0]["status"], told, sent[1]["body"], app


def test_an_answer_tells_the_limit_in_force():
    """What is let through carries the application's own headers and the limit's."""
    status, headers, body, _ = ask(Quotas(ALLOWED))
    assert (status, body, headers["x-own"]) == (200, b"hello", "1")
    assert headers["ratelimit-policy"] == '"api_calls";q=60;w=60'
    assert headers["ratelimit"] == '"api_calls";r=59;t=13'


def test_a_refusal_never_reaches_the_application():
    """429 as problem details, with when to come again and which limit decided."""
    status, headers, body, app = ask(Quotas(REFUSED))
    assert (status, headers["content-type"], app.calls) == (429, "application/problem+json", [])
    assert headers["retry-after"] == "13"
    problem = json.loads(body)
    assert (problem["code"], problem["limit"], problem["limit_source"]) == ("quota_exceeded", 60, "tier")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health"])
def test_health_is_never_limited(path):
    """A load balancer's question is free, also when the list of exempt paths is one's own."""
    quotas = Quotas(REFUSED)
    assert ask(quotas, path, exempt=["/metrics"])[0] == 200
    assert quotas.asked == []


def test_options_are_never_limited():
    """Browsers send it before a call, without anybody's name."""
    quotas = Quotas(REFUSED)
    assert ask(quotas, method="OPTIONS")[0] == 200
    assert quotas.asked == []


@pytest.mark.parametrize("user_id", ["", None, "x" * 300, "a\0b", "\ud800"])
def test_a_caller_whose_id_cannot_be_one_is_limited_by_address(user_id, caplog):
    """What a token or a header held fails no request; the log says so once."""
    quotas = Quotas(ALLOWED)
    app = QuotaMiddleware(App(), quotas, identify=lambda scope: Caller(user_id))
    for _ in range(2):
        asyncio.run(app(scope_of("/api/episodes"), None, ignore))
    assert quotas.asked == [("api_calls", "address:192.0.2.9", None, None)] * 2
    assert [record.levelname for record in caplog.records if "limited by address" in record.message] == ["WARNING"]


@pytest.mark.parametrize("option", ["identify", "cost"])
def test_an_async_function_is_refused_at_the_start(option):
    """Not at each request, with an error that every caller would get."""

    async def function(scope):
        return None

    with pytest.raises(InvalidInput, match=option):
        QuotaMiddleware(App(), Quotas(ALLOWED), **{option: function})


def test_a_websocket_passes():
    """Only HTTP requests are counted."""
    assert ask(Quotas(REFUSED), kind="websocket")[0] == 200


def test_a_caller_is_limited_as_themselves():
    """Who is identified is limited by their id and tier, wherever they call from."""
    quotas = Quotas(ALLOWED)
    ask(quotas, identify=lambda scope: Caller("u1", "pro"), cost=lambda scope: 5)
    assert quotas.asked == [("api_calls", "u1", "pro", 5)]


def test_nobody_is_limited_by_address():
    """Who is not identified is limited by the peer's address; a header that anybody can send is not believed."""
    quotas = Quotas(ALLOWED)
    ask(quotas, headers=[(b"x-forwarded-for", b"203.0.113.1")])
    assert quotas.asked == [("api_calls", "address:192.0.2.9", None, None)]


@pytest.mark.parametrize(
    ("forwarded", "client", "key"),
    [
        (b"6.6.6.6, 203.0.113.1:4711", PEER, "203.0.113.1"),
        (b"unknown", PEER, "192.0.2.9"),
        (b"unknown", None, "unknown"),
        (b"", ("/run/backend.sock", None), "unknown"),
    ],
)
def test_behind_a_trusted_proxy_the_address_it_saw_is_limited(forwarded, client, key):
    """And where it saw none, the peer's; tests/client/test_addresses.py has the rule."""
    quotas = Quotas(ALLOWED)
    ask(quotas, headers=[(b"x-forwarded-for", forwarded)], client=client, trusted_proxies=1)
    assert quotas.asked == [("api_calls", f"address:{key}", None, None)]
    assert quotas.call.client == key


@pytest.mark.parametrize(
    ("address", "limited"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_is_limited_with_what_its_owner_has(address, limited):
    """Who has a network of IPv6 addresses is one caller, not one for each of them."""
    quotas = Quotas(ALLOWED)
    ask(quotas, client=(address, 1))
    assert quotas.asked == [("api_calls", f"address:{limited}", None, None)]


def test_a_free_request_is_not_asked_about():
    """A cost of nothing asks no database."""
    quotas = Quotas(REFUSED)
    assert ask(quotas, cost=lambda scope: 0)[0] == 200
    assert quotas.asked == []


def test_a_closed_resource_without_its_database_is_503():
    """Where nothing may pass unasked, the answer says that it is not the caller's fault and when to come again."""
    status, headers, body, app = ask(Quotas(StoreUnavailable("away")))
    assert (status, headers["retry-after"], app.calls) == (503, "2", [])
    assert json.loads(body)["retryable"] is True


def test_a_resource_that_is_not_defined_limits_nobody():
    """A backend that was deployed first works on."""
    assert ask(Quotas(NotFound("resource", "api_calls")))[0] == 200


def test_refusals_know_the_call_here_and_in_the_application():
    """Route without ids, key, address and request id are at hand for the limit and for what the application uses."""
    quotas = Quotas(ALLOWED)
    path = "/api/episodes/6f9619ff-8b86-d011-b42d-00cf4fc964ff/parts/12"
    *_, app = ask(quotas, path, headers=[(b"x-request-id", b"r-1")], identify=lambda scope: Caller("u1"))
    assert quotas.call == Call("GET /api/episodes/{id}/parts/{id}", "u1", "192.0.2.9", "r-1")
    assert app.calls == [quotas.call]


def test_routes_have_costs_of_their_own():
    """A table gives the cost by method and path, with parts that vary; anything else has the usual one."""
    cost = route_costs({"POST /api/export/{id}": 10, "/api/ping": 0}, usual=2)
    asked = [("POST", "/api/export/7"), ("GET", "/api/export/7"), ("GET", "/api/ping"), ("POST", "/api/export/7/x")]
    assert [cost({"method": method, "path": path}) for method, path in asked] == [10, 2, 0, 2]
