"""`/providers`: the outside services, each called through its breaker."""

from math import ceil
from typing import Any

from fastapi import APIRouter

from demo.backend import BackendHere
from demo.problems import Problem
from ops_client.errors import BreakerOpen, FallbackExhausted

router = APIRouter(prefix="/providers")


@router.get("")
def states(backend: BackendHere) -> dict[str, str]:
    """Each provider's breaker as a caller meets it in this process: closed, open or half_open."""
    return {name: guarded.state() for name, guarded in backend.guarded.items()}


@router.post("/{name}")
def call(backend: BackendHere, name: str) -> dict[str, Any]:
    """One call; says which link answered. 502 when it failed and nothing stands in, 503 while it is left alone."""
    guarded = backend.guarded.get(name)
    if guarded is None:
        raise Problem(404, "No such provider", f"There are {', '.join(backend.guarded)}.")
    try:
        answer = guarded.ask()
    except FallbackExhausted as failure:
        raise _problem(name, failure.errors["primary"]) from failure
    return {"provider": name, "answer": answer.value, "answered_by": answer.link, "degraded": answer.degraded}


def _problem(name: str, error: Exception) -> Problem:
    if isinstance(error, BreakerOpen):
        wait = max(1, ceil(error.retry_after_seconds))
        return Problem(503, "Provider left alone", error.message, retry_after=wait, provider=name)
    return Problem(502, "Provider failed", f"{error}, twice; nothing stands in for it.", provider=name)
