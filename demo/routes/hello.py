"""Routes whose answer hangs on a flag; they need no database to be there."""

from typing import Any

from fastapi import APIRouter

from demo.backend import BackendHere
from demo.callers import AskedPerson
from demo.features import PLAYER_FLAG, context_of, features_of
from demo.people import Person

router = APIRouter(prefix="/api")


@router.get("/hello")
def hello(backend: BackendHere, person: AskedPerson) -> dict[str, Any]:
    """Which player this user gets, how it is painted, and whether it shows chapters that Gemini found."""
    features = features_of(backend.ops.flags, person)
    return {
        "player": "new" if features.new_player else "classic",
        "flag": PLAYER_FLAG,
        "enabled": features.new_player,
        "theme": features.theme,
        "chapters": features.chapters,
        **_who(person),
    }


@router.get("/flags/{name}")
def flag(backend: BackendHere, person: AskedPerson, name: str) -> dict[str, Any]:
    """Any flag's answer for this user."""
    return {"flag": name, "enabled": backend.ops.flags.is_enabled(name, context_of(person)), **_who(person)}


def _who(person: Person | None) -> dict[str, Any]:
    return {"user_id": person.id if person else None, "tier": person.tier if person else None}
