"""Assembly of podcast episodes: the backend's own table `public.episode`."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from incidents.operations.sources.base import CannotRetry, Source
from incidents.operations.sources.text import NotAnObject, read_object

# Text that is not JSON must not stop a list, so it is searched and not parsed.
# Many rows hold no reason: looking for its name first is cheaper than matching the pattern.
_REASON = """CASE WHEN strpos({meta}, '"error_reason"') > 0
    THEN substring({meta} from '"error_reason"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)"') END"""
_QUEUED = """{meta} ~ '"queued_for_worker"\\s*:\\s*true'"""


class EpisodeSource(Source):
    """There is no started-at: `processed_at` is set at creation and not touched when work begins again."""

    kind = "episode_assembly"
    label = "episode assembly"
    plural = "episode assemblies"
    table = "episode"
    owner_column = "user_id"
    title_column = "title"
    status_column = "status"
    age_column = "processed_at"
    meta_column = "meta_json"
    payload_columns = ("template_id", "podcast_id", "priority", "created_at", "working_audio_name")
    in_progress = ("processing",)
    waiting = ("pending",)
    failed = ("error", "failed")
    waiting_only = _QUEUED
    retry_status = "processing"
    fail_status = "error"
    done_status = "processed"
    done_needs = ("final_audio_path",)
    resource_columns = ("working_audio_name",)
    providers = ("auphonic", "elevenlabs", "gcs")
    user_word = "episode"
    # Past half an hour an assembly may rightly take, if it says that it is alive.
    slow_after_seconds = 1800
    error_columns = ("spreaker_publish_error",)
    error_text = "coalesce(" + _REASON + ", {spreaker_publish_error})"
    caveat = (
        "A backend worker that finishes late may overwrite this change, unless the backend checks the version first."
    )

    @property
    def stuck_after_seconds(self) -> int:
        return int(settings.EPISODE_STUCK_SECONDS)

    def payload(self, row: Mapping[str, Any]) -> dict[str, Any]:
        found = _assembly(row["meta"], row.get("working_audio_name"))
        return {
            "episode_id": row["operation_id"],
            "user_id": row["owner_id"],
            "podcast_id": _text(row.get("podcast_id")),
            "template_id": _text(row.get("template_id")),
            "priority": row.get("priority"),
            **{name: found.get(name) for name in _FROM_META},
        }


_FROM_META = (
    "main_content_filename",
    "output_filename",
    "tts_values",
    "episode_details",
    "intents",
    "use_auphonic",
)
_NEEDED = "main_content_filename"


def _assembly(text: str | None, working_audio: object) -> dict[str, Any]:
    """What the assembly was called with: the details, over those kept while it waited for a worker.

    Where they do not name the recording, the row's own `working_audio_name` does.
    """
    try:
        meta, lack = read_object(text), "is missing"
    except NotAnObject as error:
        meta, lack = {}, f"cannot be read (meta_json is {error})"
    if text is None:
        lack = "is missing (meta_json is empty)"
    queued = meta.get("assembly_payload")
    found = {**queued, **_given(meta)} if isinstance(queued, dict) else meta
    if _is_name(found.get(_NEEDED)):
        return found
    if _is_name(working_audio):
        return {**found, _NEEDED: working_audio}
    raise CannotRetry(
        _NEEDED,
        f"meta_json.{_NEEDED} {lack} and working_audio_name is empty: no recording is named.",
    )


def _given(meta: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in meta.items() if value is not None and (name != _NEEDED or _is_name(value))}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: object) -> str | None:
    return None if value is None else str(value)
