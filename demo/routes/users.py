"""`/api/users`: a sample of users, for whoever wants to play one."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from demo.backend import BackendHere

router = APIRouter(prefix="/api/users")


@router.get("")
def sample(backend: BackendHere, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> dict[str, Any]:
    """Some active users, others each time."""
    people = backend.people.sample(limit)
    return {"users": [{"id": person.id, "email": person.email, "tier": person.tier} for person in people]}
