"""Routes whose answer hangs on a flag; they need no database to be there."""

from typing import Any

from fastapi import APIRouter

from demo.backend import BackendHere
from demo.callers import AskedPerson
from demo.people import Person

PLAYER_FLAG = "new_player"
router = APIRouter(prefix="/api")


@router.get("/hello")
def hello(backend: BackendHere, person: AskedPerson) -> dict[str, Any]:
    """Which player this user gets."""
    enabled = backend.ops.flags.is_enabled(PLAYER_FLAG, context_of(person))
    return {"player": "new" if enabled else "classic", "flag": PLAYER_FLAG, "enabled": enabled, **_who(person)}


@router.get("/flags/{name}")
def flag(backend: BackendHere, person: AskedPerson, name: str) -> dict[str, Any]:
    """Any flag's answer for this user."""
    return {"flag": name, "enabled": backend.ops.flags.is_enabled(name, context_of(person)), **_who(person)}


def context_of(person: Person | None) -> dict[str, str]:
    """What flag rules may know of the caller."""
    return person.context() if person else {}


def _who(person: Person | None) -> dict[str, Any]:
    return {"user_id": person.id if person else None, "tier": person.tier if person else None}
