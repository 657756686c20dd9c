"""The users' limits at the backend's door: calls a minute, and room for recordings."""

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fastapi import Depends, Response

from demo.backend import Backend, BackendHere
from demo.callers import AskedPerson
from demo.people import Person
from demo.problems import Problem
from ops_client.errors import NotFound
from ops_client.quotas.decide import Decision
from ops_client.quotas.guard import QuotaExceeded
from ops_client.quotas.http import headers, problem, status

log = logging.getLogger(__name__)

CALLS = "api_calls"
STORAGE = "storage_bytes"


def count_call(backend: BackendHere, person: AskedPerson, response: Response) -> None:
    """Count one call of a known user; 429 over the limit. Sends the limit in force along with the answer."""
    if person is None:
        return
    try:
        decision = backend.ops.quotas.hit(CALLS, person.id, tier=person.tier)
    except NotFound as error:
        log.warning("calls are not limited: %s", error)
        return
    if not decision.allowed:
        raise refusal(decision)
    response.headers.update(headers(decision))


COUNTED = Depends(count_call)


def room_for(backend: Backend, person: Person, size_bytes: int) -> AbstractContextManager[Any]:
    """Room held while a recording is stored: kept if that succeeds, given back if not. Raises Problem when full."""
    try:
        return backend.ops.quotas.reserve(STORAGE, person.id, size_bytes, tier=person.tier)
    except QuotaExceeded as error:
        raise refusal(error.decision) from error
    except NotFound as error:
        log.warning("storage is not limited: %s", error)
        return nullcontext()


def refusal(decision: Decision) -> Problem:
    """The answer to a request over its limit: which limit, whose decision, and when to ask again."""
    body = dict(problem(decision))
    title, detail = str(body["title"]), str(body["detail"])
    more = {name: value for name, value in body.items() if name not in {"type", "title", "status", "detail"}}
    refused = Problem(status(decision), title, detail)
    refused.more, refused.headers = more, headers(decision)
    return refused
