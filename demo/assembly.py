"""How an episode is given to the worker: only the row that was read, as it was read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from demo.database import Database
from demo.meta import JOB_KEY, JOB_PREFIX, CannotAssemble, read_meta, version_of, versioned_job_id, with_job

READ = "SELECT id::text, status::text, meta_json, user_id::text FROM public.episode WHERE id = %(id)s::uuid"
# A worker or an operator who came first wins.
TAKE = """
UPDATE public.episode SET status = 'processing', meta_json = %(meta_json)s
WHERE id = %(id)s::uuid AND status::text = %(status)s AND meta_json IS NOT DISTINCT FROM %(seen_meta_json)s
"""


# What a retry's payload may set; the rest of it names the row.
RETRY_FIELDS = frozenset(
    {"main_content_filename", "output_filename", "tts_values", "episode_details", "intents", "use_auphonic"}
)


class NotThere(Exception):
    """There is no such episode."""


class NotOurs(Exception):
    """The episode is in somebody else's hands, or done."""


def _nothing() -> None:
    """Nothing is held for the job."""


@dataclass(frozen=True)
class Job:
    """One assembly of one episode; `id` is what the worker's writes are conditional on. `done` is called at its end."""

    id: str
    episode_id: str
    done: Callable[[], object] = field(default=_nothing, compare=False)


def owner_of(database: Database, episode_id: str) -> str:
    """Whose episode it is, as an id. Raises NotThere, DatabaseAway."""
    return str(_read(database, episode_id)["user_id"])


def start(database: Database, episode_id: str) -> Job:
    """Begin an assembly, whatever the episode's status.

    Raises NotThere, CannotAssemble, NotOurs, DatabaseAway.
    """
    row = _read(database, episode_id)
    job = Job(f"{JOB_PREFIX}{uuid4().hex}", episode_id)
    _take(database, row, with_job(read_meta(row["meta_json"]), job.id))
    return job


def start_again(database: Database, episode_id: str, version: int, known: Mapping[str, Any]) -> Job | None:
    """Begin an operator's retry, with what is `known` of it; None where a later one holds the episode.

    A second time with the same version changes nothing. Raises as `start` does; NotOurs also where the episode is
    no longer processing.
    """
    row = _read(database, episode_id)
    job = Job(versioned_job_id(version, episode_id), episode_id)
    given = _given(known)
    meta = _fields_of(row["meta_json"], given)
    if meta.get(JOB_KEY) == job.id:
        return job
    if version_of(meta.get(JOB_KEY)) > version:
        return None
    if row["status"] != "processing":
        raise NotOurs(f"The episode is {row['status']} by now: there is nothing to retry.")
    _take(database, row, with_job(meta | given, job.id))
    return job


def _fields_of(text: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The row's own fields, or none where they cannot be read and the command names the recording."""
    try:
        return read_meta(text)
    except CannotAssemble:
        if not given.get("main_content_filename"):
            raise
        return {}


def _given(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value is not None and name in RETRY_FIELDS}


def _read(database: Database, episode_id: str) -> dict[str, Any]:
    rows = database.fetch(READ, {"id": episode_id})
    if not rows:
        raise NotThere(f"There is no episode {episode_id}.")
    return rows[0]


def _take(database: Database, row: Mapping[str, Any], meta_json: str) -> None:
    seen = {"id": row["id"], "status": row["status"], "seen_meta_json": row["meta_json"]}
    if not database.execute(TAKE, seen | {"meta_json": meta_json}):
        raise NotOurs("The episode was changed by somebody else just now; it is left to them.")
