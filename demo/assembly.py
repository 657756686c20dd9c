"""What it takes to assemble an episode again, and how it is taken up."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from demo.database import Database

REQUIRED = ("main_content_filename",)
JOB_PREFIX = "demo-"

READ = """
SELECT id::text, title, status::text, meta_json, template_id::text, podcast_id::text, user_id::text
FROM public.episode WHERE id = %(id)s::uuid
"""
# Only the row that was read is taken: a worker or an operator who came first wins.
TAKE = """
UPDATE public.episode SET status = 'processing', meta_json = %(meta_json)s
WHERE id = %(id)s::uuid AND status::text = %(status)s AND meta_json IS NOT DISTINCT FROM %(seen_meta_json)s
"""


class CannotAssemble(Exception):
    """The row lacks what an assembly needs; `field` names it. The row is left as it is."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotThere(Exception):
    """There is no such episode."""


class TakenMeanwhile(Exception):
    """Somebody else changed the episode first."""


@dataclass(frozen=True)
class Job:
    """One assembly of one episode; `id` is what the worker's writes are conditional on."""

    id: str
    episode_id: str


def new_job_id() -> str:
    return f"{JOB_PREFIX}{uuid4().hex}"


def take_up(database: Database, episode_id: str, job_id: str) -> Job:
    """Mark the episode as processing under `job_id`; a second time with the same id changes nothing.

    Raises NotThere, CannotAssemble, TakenMeanwhile, DatabaseAway.
    """
    rows = database.fetch(READ, {"id": episode_id})
    if not rows:
        raise NotThere(f"There is no episode {episode_id}.")
    row = rows[0]
    meta = readable_meta(row["meta_json"])
    if meta.get("assembly_job_id") != job_id:
        _write(database, row, _with_job(meta, job_id))
    return Job(job_id, episode_id)


def readable_meta(text: str | None) -> dict[str, Any]:
    """The episode's details. Raises CannotAssemble where they are no JSON object or lack a required field."""
    meta = _parsed(text)
    for field in REQUIRED:
        value = meta.get(field)
        if not isinstance(value, str) or not value.strip():
            raise CannotAssemble(field, f"meta_json.{field} is missing: assembly needs it.")
    return meta


def _parsed(text: str | None) -> dict[str, Any]:
    if text is None:
        raise CannotAssemble("meta_json", "meta_json is empty: nothing says which recording to assemble.")
    try:
        meta = json.loads(text)
    except ValueError:
        raise CannotAssemble("meta_json", "meta_json is not JSON: it must be an object.") from None
    if not isinstance(meta, dict):
        raise CannotAssemble("meta_json", "meta_json is JSON, but not an object.")
    return meta


def _with_job(meta: dict[str, Any], job_id: str) -> str:
    waiting = {"queued_for_worker", "queued_at", "assembly_payload"}
    kept = {name: value for name, value in meta.items() if name not in waiting}
    tries = meta.get("retry_count")
    count = tries + 1 if isinstance(tries, int) else 1
    return json.dumps(kept | {"assembly_job_id": job_id, "retry_count": count})


def _write(database: Database, row: dict[str, Any], meta_json: str) -> None:
    seen = {"id": row["id"], "status": row["status"], "seen_meta_json": row["meta_json"]}
    if not database.execute(TAKE, seen | {"meta_json": meta_json}):
        raise TakenMeanwhile(f"Episode {row['id']} was changed by somebody else; it is left to them.")
