"""`/faults`: how badly each provider behaves in this process."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from demo.backend import BackendHere
from demo.problems import Problem
from demo.providers import Dial

router = APIRouter(prefix="/faults")


class NewDial(BaseModel):
    """A dial; what is not given is as in good health."""

    model_config = ConfigDict(extra="forbid")

    error_rate: float = Field(default=0.0, ge=0, le=1, description="share of calls that fail, 0..1")
    latency_ms: int = Field(default=0, ge=0, le=60_000, description="added to every call")
    hang: bool = Field(default=False, description="calls are never answered")
    unpaid: bool = Field(default=False, description="every call is answered by 402: the account has no credit left")


@router.get("")
def show(backend: BackendHere) -> dict[str, Any]:
    """The dials of all providers."""
    return {name: asdict(guarded.provider.dial) for name, guarded in backend.guarded.items()}


@router.post("")
def turn(backend: BackendHere, dials: dict[str, NewDial]) -> dict[str, Any]:
    """Turn the dials named; `{"gemini": {"error_rate": 1}}`. All or none."""
    unknown = sorted(set(dials) - set(backend.guarded))
    if unknown:
        known = ", ".join(backend.guarded)
        raise Problem(422, "No such provider", f"{', '.join(unknown)}: no such provider; there are {known}.")
    for name, dial in dials.items():
        backend.guarded[name].provider.dial = Dial(**dial.model_dump())
    return show(backend)
