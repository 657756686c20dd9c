"""Limits a backend's requests: 429 with the limit in force and when to come again; every answer has its headers."""

import inspect
import logging
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ops_client.addresses import client_address, limited_as
from ops_client.asgi.enforcing import is_enforced
from ops_client.asgi.problems import raw_headers, send_problem
from ops_client.asgi.types import App, Message, Receive, Scope, Send, header
from ops_client.errors import InvalidInput, NotFound, StoreUnavailable
from ops_client.quotas import http
from ops_client.quotas.call import Call, current_call
from ops_client.quotas.client import QuotaClient
from ops_client.quotas.decide import Decision, Kind
from ops_client.quotas.use import valid_use

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


class QuotaMiddleware:
    """Counts each HTTP request against a rate before the application sees it.

    `identify` names the caller of a request (it runs on a thread and may ask a database); None limits by address.
    `cost` is what a request counts, 0 for one that is free (see `route_costs`); None is what the resource says. Health
    routes and OPTIONS, which browsers send before a call, are always free. A caller whose id cannot be one (empty, over
    200 characters) is limited by address. `trusted_proxies` is how many proxies of yours append to X-Forwarded-For;
    with 0 the header is not believed. `install` adds this in its place among the others. Raises QuotasOff, and
    InvalidInput where `identify` or `cost` is async.
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
        for field, function in (("identify", identify), ("cost", cost)):
            if inspect.iscoroutinefunction(function):
                raise InvalidInput(field, "is a plain function, and this one is async")
        self.app = app
        self._enforced = is_enforced(quotas, debug)
        self._quotas = quotas
        self._resource = resource
        self._identify = identify
        self._cost = cost
        self._exempt = frozenset(exempt) | HEALTH_ROUTES
        self._trusted_proxies = trusted_proxies
        self._warned: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_free(scope) or (cost := self._cost(scope)) == 0:
            await self.app(scope, receive, send)
            return
        try:
            decision, call = await self._quotas.threads.run(self._decide, scope, cost)
        except StoreUnavailable as error:
            await send_problem(send, _away(error), {"Retry-After": AWAY_RETRY_SECONDS})
            return
        except NotFound as error:
            # A backend may be deployed before anybody has defined the resource; that is no reason to stop it.
            self._warn_once("resource", "ops_client: nobody is limited: %s", error)
            await self.app(scope, receive, send)
            return
        if decision.allowed:
            current_call.set(call)  # what the application uses next is refused under the same call
            await self.app(scope, receive, _telling(send, http.headers(decision)))
        else:
            await send_problem(send, http.problem(decision), http.headers(decision))

    def _is_free(self, scope: Scope) -> bool:
        return not self._enforced or scope["method"] == "OPTIONS" or scope["path"] in self._exempt

    def _decide(self, scope: Scope, cost: int | None) -> tuple[Decision, Call]:
        peer = scope.get("client")
        seen = client_address(header(scope, b"x-forwarded-for"), str(peer[0]) if peer else None, self._trusted_proxies)
        address = seen or UNKNOWN
        caller = self._valid(self._identify(scope)) or Caller(f"address:{limited_as(address)}")
        route = f"{scope['method']} {_ID.sub('/{id}', scope['path'])}"
        call = Call(route, caller.user_id, address, header(scope, b"x-request-id"))
        current_call.set(call)
        return self._quotas.hit(self._resource, caller.user_id, tier=caller.tier, cost=cost), call

    def _valid(self, caller: Caller | None) -> Caller | None:
        """The caller, unless nothing can be counted for them: a request must not fail for a header that it sent."""
        if caller is None:
            return None
        try:
            valid_use(Kind.RATE, self._resource, caller.user_id, caller.tier)
        except InvalidInput as error:
            self._warn_once("caller", "ops_client: a caller is limited by address, because identify's %s", error)
            return None
        return caller

    def _warn_once(self, about: str, message: str, error: Exception) -> None:
        logger.log(logging.DEBUG if about in self._warned else logging.WARNING, message, error)
        self._warned.add(about)


def _telling(send: Send, told: dict[str, str]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *raw_headers(told)]
        await send(message)

    return wrapped


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
