"""`/api/episodes`: a user's episodes, and uploads that make new ones."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from demo import episodes
from demo.backend import BackendHere
from demo.callers import NeededPerson
from demo.limits import room_for
from demo.problems import Problem

UPLOAD_LIMIT_BYTES = 500 * 1024 * 1024
MEBIBYTE = 1024 * 1024
router = APIRouter(prefix="/api/episodes")


class NewEpisode(BaseModel):
    """An upload; the demo takes its size at its word and sends no bytes."""

    title: str = Field(default="Untitled episode", max_length=200)
    size_bytes: int = Field(default=5 * MEBIBYTE, ge=1, le=UPLOAD_LIMIT_BYTES)


@router.get("")
def list_episodes(
    backend: BackendHere,
    person: NeededPerson,
    status: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> dict[str, Any]:
    """The newest episodes of a user."""
    return {"user_id": person.id, "episodes": episodes.recent(backend.database, person.id, status, limit)}


@router.post("", status_code=201)
def upload(backend: BackendHere, person: NeededPerson, new: NewEpisode) -> dict[str, Any]:
    """Keep a recording and make its episode; 413 when it does not fit into the user's storage."""
    sent = episodes.Upload(person.id, new.title, new.size_bytes)
    try:
        with room_for(backend, person, new.size_bytes):
            return {"episode_id": episodes.add(backend.database, sent), "size_bytes": new.size_bytes}
    except episodes.NoPodcast as refusal:
        raise Problem(409, "No podcast", str(refusal)) from refusal
