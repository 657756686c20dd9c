"""The users' limits at the backend's door: calls a minute, and room for recordings."""

import logging
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI

from demo.backend import Backend
from demo.database import DatabaseAway, Unstorable
from demo.people import People, Person
from demo.problems import Problem
from ops_client.asgi.quotas import Caller, QuotaMiddleware
from ops_client.errors import NotFound
from ops_client.quotas.guard import QuotaExceeded
from ops_client.quotas.http import headers, problem

log = logging.getLogger(__name__)

STORAGE = "storage_bytes"
COUNTED = ("/api/", "/providers/")

Scope = MutableMapping[str, Any]


def install_limits(app: FastAPI, backend: Backend) -> None:
    """Count every call that is made for a user; health checks, the page and calls of nobody are free."""
    identify = _identifier(backend.people)
    app.add_middleware(QuotaMiddleware, quotas=backend.ops.quotas, identify=identify, cost=_cost)


def room_for(backend: Backend, person: Person, size_bytes: int) -> AbstractContextManager[Any]:
    """Room held while a recording is stored: kept if that succeeds, given back if not. Raises Problem when full."""
    try:
        return backend.ops.quotas.reserve(STORAGE, person.id, size_bytes, tier=person.tier)
    except QuotaExceeded as error:
        raise _refusal(error) from error
    except NotFound as error:
        log.warning("storage is not limited: %s", error)
        return nullcontext()


def _identifier(people: People) -> Callable[[Scope], Caller | None]:
    def identify(scope: Scope) -> Caller | None:
        key = _user(scope)
        try:
            person = people.find(key)
        except (DatabaseAway, Unstorable):
            return None
        return Caller(person.id, person.tier) if person else None

    return identify


def _cost(scope: Scope) -> int:
    return int(scope["path"].startswith(COUNTED) and bool(_user(scope)))


def _user(scope: Scope) -> str:
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("user", [""])[0]


def _refusal(error: QuotaExceeded) -> Problem:
    body = dict(problem(error.decision))
    refused = Problem(int(str(body.pop("status"))), str(body.pop("title")), str(body.pop("detail")))
    refused.more, refused.headers = body, headers(error.decision)
    return refused
