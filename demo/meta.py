"""The text in `episode.meta_json`: usually a JSON object, and never to be relied on."""

import json
import re
from collections.abc import Mapping
from typing import Any

JOB_KEY = "assembly_job_id"
JOB_PREFIX = "demo-"
REQUIRED = ("main_content_filename",)
# What an episode carries while it waits for a worker.
WAITING_KEYS = frozenset({"queued_for_worker", "queued_at", "assembly_payload"})
VERSION = re.compile(re.escape(JOB_PREFIX) + r"v(\d+)-")


class CannotAssemble(Exception):
    """The row lacks what an assembly needs; `field` names it. The row is left as it is."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_meta(text: str | None) -> dict[str, Any]:
    """The object in the text. Raises CannotAssemble where there is none."""
    if text is None:
        raise CannotAssemble("meta_json", "meta_json is empty: nothing says which recording to assemble.")
    try:
        meta = json.loads(text)
    except ValueError:
        raise CannotAssemble("meta_json", "meta_json is not JSON: it must be an object.") from None
    if not isinstance(meta, dict):
        raise CannotAssemble("meta_json", "meta_json is JSON, but not an object.")
    return meta


def with_job(meta: Mapping[str, Any], job_id: str) -> str:
    """The text of an episode that is assembled under `job_id`. Raises CannotAssemble where a field is missing."""
    for field in REQUIRED:
        value = meta.get(field)
        if not isinstance(value, str) or not value.strip():
            raise CannotAssemble(field, f"meta_json.{field} is missing: assembly needs it.")
    kept = {name: value for name, value in meta.items() if name not in WAITING_KEYS}
    tries = meta.get("retry_count")
    count = tries + 1 if isinstance(tries, int) else 1
    return json.dumps(kept | {JOB_KEY: job_id, "retry_count": count})


def versioned_job_id(version: int, episode_id: str) -> str:
    """The job of an operator's retry; the same for the same command."""
    return f"{JOB_PREFIX}v{version}-{episode_id}"


def version_of(job_id: object) -> int:
    """The version in a job id, 0 where it has none."""
    found = VERSION.match(job_id) if isinstance(job_id, str) else None
    return int(found[1]) if found else 0
