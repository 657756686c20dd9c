"""`/api/assemble/{episode}`: give an episode to the worker."""

from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter

from demo.assembly import NotOurs, NotThere, owner_of, start
from demo.backend import BackendHere
from demo.limits import place_for
from demo.meta import CannotAssemble
from demo.problems import Problem

router = APIRouter(prefix="/api/assemble")


@router.post("/{episode_id}", status_code=202)
def assemble(backend: BackendHere, episode_id: UUID) -> dict[str, str]:
    """Start an assembly; it is done a few seconds later, and holds one of its owner's places until then."""
    try:
        owner = owner_of(backend.database, str(episode_id))
        with ExitStack() as held:
            held.enter_context(place_for(backend, owner))
            job = start(backend.database, str(episode_id))
            backend.worker.take(replace(job, done=held.pop_all().close))
    except NotThere as refusal:
        raise Problem(404, "No such episode", str(refusal)) from refusal
    except CannotAssemble as refusal:
        raise Problem(422, "Cannot be assembled", str(refusal), field=refusal.field) from refusal
    except NotOurs as refusal:
        raise Problem(409, "Changed meanwhile", str(refusal)) from refusal
    return {"episode_id": job.episode_id, "job_id": job.id, "status": "processing"}
