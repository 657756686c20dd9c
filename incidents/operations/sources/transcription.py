"""Transcription of recordings: the backend's `public.transcriptionwatch`, beside its `public.mediaitem`."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from incidents.operations.sources.base import CannotRetry, Source


class TranscriptionSource(Source):
    """A watch says how a transcription goes; the recording says whether it is ready, whatever the watch says.

    The two have no key in common but the user and the file's name.
    """

    kind = "transcription"
    label = "transcription"
    plural = "transcriptions"
    table = "transcriptionwatch"
    owner_column = "user_id"
    title_column = "filename"
    status_column = "last_status"
    status_separator = ":"
    age_column = "created_at"
    meta_column = ""
    payload_columns = ("filename",)
    in_progress = ("processing",)
    # A watch without a status has not been begun either.
    waiting = ("queued", "")
    stuck_when_waiting = True
    failed = ("error",)
    retry_status = "processing"
    fail_status = "error:operation_failed"
    reason_as = ""
    beside = ("public", "mediaitem", ("user_id", "filename", "transcript_ready"))
    unless = (
        "EXISTS (SELECT FROM public.mediaitem AS x "
        "WHERE x.user_id = e.user_id AND x.filename = e.filename AND x.transcript_ready)"
    )
    error_columns = ("last_status",)
    error_text = "CASE WHEN starts_with({last_status}, 'error') THEN nullif(btrim(substr({last_status}, 7)), '') END"
    providers = ("assemblyai",)
    user_word = "transcript"
    caveat = "The reason is stored only in the console. A backend worker that finishes late may overwrite this change."

    @property
    def stuck_after_seconds(self) -> int:
        return int(settings.TRANSCRIPTION_STUCK_SECONDS)

    def payload(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if not row.get("filename"):
            raise CannotRetry("filename", "filename is empty: nothing says which recording to transcribe.")
        return {"watch_id": row["operation_id"], "user_id": row["owner_id"], "filename": row["filename"]}
