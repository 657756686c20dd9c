"""Limits a backend's requests: 429 with the limit in force and when to come again, its headers on every answer."""

import json
import logging
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from ops_client.addresses import client_address, limited_as
from ops_client.asgi.enforcing import is_enforced
from ops_client.asgi.types import App, Message, Receive, Scope, Send, header
from ops_client.errors import NotFound, StoreUnavailable
from ops_client.quotas import http
from ops_client.quotas.call import Call, current_call
from ops_client.quotas.client import QuotaClient
from ops_client.quotas.decide import Decision

logger = logging.getLogger("ops_client")
HEALTH_ROUTES = frozenset({"/livez", "/readyz", "/health"})
AWAY_RETRY_SECONDS = "2"
# A request over a Unix socket, and whose proxy is not trusted to say from where.
UNKNOWN = "unknown"
# Ids in a path: routers run later, and refusals are kept by route, of which there must be few.
_ID = re.compile(r"/(?:\d+|[0-9a-fA-F-]{32,36})(?=/|$)")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is limited: a user of the backend and the tier it knows them to have."""

    user_id: str
    tier: str | None = None


class Application(Protocol):
    """What Starlette, FastAPI and their like are to this module."""

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None: ...


def limit_requests(app: Application, quotas: QuotaClient, *, debug: bool = False, **options: Any) -> None:
    """Add the middleware with its options to an application; the way that fails at once, not at the first request.

    Raises QuotasOff where `OPS_QUOTAS` is off, `debug` is too, and `OPS_QUOTAS_MAY_BE_OFF` does not say that it may be.
    """
    if is_enforced(quotas, debug):
        app.add_middleware(QuotaMiddleware, quotas=quotas, debug=debug, **options)


class QuotaMiddleware:
    """Counts each HTTP request against a rate before the application sees it.

    `identify` names the caller of a request (it runs on a thread and may ask a database); None limits by address.
    `cost` is what a request counts, 0 for one that is free (see `route_costs`); None is what the resource says. Health
    routes are always free. `trusted_proxies` is how many proxies of yours append to X-Forwarded-For; with 0 the header
    is not believed. Raises QuotasOff as `limit_requests` does.
    """

    def __init__(
        self,
        app: App,
        quotas: QuotaClient,
        *,
        resource: str = "api_calls",
        identify: Callable[[Scope], Caller | None] = lambda scope: None,
        cost: Callable[[Scope], int | None] = lambda scope: None,
        exempt: Collection[str] = HEALTH_ROUTES,
        trusted_proxies: int = 0,
        debug: bool = False,
    ) -> None:
        self.app = app
        self._enforced = is_enforced(quotas, debug)
        self._quotas = quotas
        self._resource = resource
        self._identify = identify
        self._cost = cost
        self._exempt = frozenset(exempt) | HEALTH_ROUTES
        self._trusted_proxies = trusted_proxies
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_free(scope) or (cost := self._cost(scope)) == 0:
            await self.app(scope, receive, send)
            return
        try:
            decision, call = await self._quotas.threads.run(self._decide, scope, cost)
        except StoreUnavailable as error:
            await _answer(send, 503, _away(error), {"Retry-After": AWAY_RETRY_SECONDS})
            return
        except NotFound as error:
            # A backend may be deployed before anybody has defined the resource; that is no reason to stop it.
            logger.log(logging.DEBUG if self._warned else logging.WARNING, "ops_client: nobody is limited: %s", error)
            self._warned = True
            await self.app(scope, receive, send)
            return
        if decision.allowed:
            current_call.set(call)  # what the application uses next is refused under the same call
            await self.app(scope, receive, _telling(send, http.headers(decision)))
        else:
            await _answer(send, http.status(decision), http.problem(decision), http.headers(decision))

    def _is_free(self, scope: Scope) -> bool:
        return not self._enforced or scope["path"] in self._exempt

    def _decide(self, scope: Scope, cost: int | None) -> tuple[Decision, Call]:
        peer = scope.get("client")
        seen = client_address(header(scope, b"x-forwarded-for"), str(peer[0]) if peer else None, self._trusted_proxies)
        address = seen or UNKNOWN
        caller = self._identify(scope) or Caller(f"address:{limited_as(address)}")
        route = f"{scope['method']} {_ID.sub('/{id}', scope['path'])}"
        call = Call(route, caller.user_id, address, header(scope, b"x-request-id"))
        current_call.set(call)
        return self._quotas.hit(self._resource, caller.user_id, tier=caller.tier, cost=cost), call


def _telling(send: Send, told: dict[str, str]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_raw(told)]
        await send(message)

    return wrapped


async def _answer(send: Send, status: int, body: Any, headers: dict[str, str]) -> None:
    content = json.dumps(body).encode()
    told = {"Content-Type": http.PROBLEM_TYPE, "Content-Length": str(len(content)), **headers}
    await send({"type": "http.response.start", "status": status, "headers": _raw(told)})
    await send({"type": "http.response.body", "body": content})


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _away(error: StoreUnavailable) -> dict[str, object]:
    return {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": error.message,
        "code": error.code,
        "message": error.message,
        "retryable": True,
    }
