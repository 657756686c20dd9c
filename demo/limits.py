"""The users' limits: calls a minute, episodes a month, room for recordings, assemblies at once."""

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
from demo.storage import AUDIO, BYTES, seconds_of
from ops_client.asgi import Caller, install
from ops_client.errors import NotFound
from ops_client.quotas.guard import QuotaExceeded
from ops_client.quotas.http import headers, problem

log = logging.getLogger(__name__)

EPISODES, ASSEMBLIES = "episodes_per_month", "concurrent_assemblies"
COUNTED = ("/api/", "/providers/")

Scope = MutableMapping[str, Any]


BODY_LIMIT_BYTES = 1024 * 1024


def install_limits(app: FastAPI, backend: Backend) -> None:
    """Count every call that is made for a user; health checks, the page and calls of nobody are free."""
    identify = _identifier(backend.people)
    install(app, backend.ops.quotas, body_limit_bytes=BODY_LIMIT_BYTES, identify=identify, cost=_cost)


def room_for(backend: Backend, person: Person, size_bytes: int) -> AbstractContextManager[Any]:
    """One of the month's episodes, and room held while its recording is stored: all of it, or none.

    The room is kept if the block succeeds, given back if not. Raises Problem when something is used up.
    """
    wanted = {EPISODES: 1, BYTES: size_bytes, AUDIO: seconds_of(size_bytes)}
    return _held(lambda: backend.ops.quotas.all_of(wanted, person.id, tier=person.tier))


def place_for(backend: Backend, user_id: str) -> AbstractContextManager[Any]:
    """One of the assemblies that a user may have at once, held until the block is left. Raises Problem."""
    person = backend.people.find(user_id)
    tier = person.tier if person else None
    return _held(lambda: backend.ops.quotas.lease(ASSEMBLIES, user_id, tier=tier))


def _held(take: Callable[[], AbstractContextManager[Any]]) -> AbstractContextManager[Any]:
    try:
        return take()
    except QuotaExceeded as error:
        raise _refusal(error) from error
    except NotFound as error:
        log.warning("nobody is limited: %s", error)
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
