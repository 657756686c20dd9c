"""Tracked operations as rows, of any age and state, for tests of what is read of them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from incidents.operations.models import TrackedKind, TrackedOperation
from incidents.operations.sources.schema import forget
from tests.incidents.operations.conftest import USER


def make_tracked(operation_id: str, kind: str = "show_notes", silent_seconds: float = 0, **values: Any) -> str:
    """A running operation whose last sign came so long ago; its id."""
    TrackedKind.objects.get_or_create(kind=kind, defaults={"dead_after_seconds": 60, "providers": ["gemini"]})
    forget()
    at = timezone.now() - timedelta(seconds=silent_seconds)
    given = {"status": "running", "title": operation_id, "started_at": at, "heartbeat_at": at, "attempt": 1, **values}
    TrackedOperation.objects.create(kind=kind, operation_id=operation_id, **given)
    return operation_id


def make_watch(status: str | None, hours: float = 2, filename: str = "talk.wav", ready: bool | None = None) -> str:
    """A transcription's watch, and its recording where `ready` says how that stands; the watch's id."""
    watch = str(uuid4())
    at = (timezone.now() - timedelta(hours=hours)).replace(tzinfo=None)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.transcriptionwatch (id, user_id, filename, last_status, created_at) "
            "VALUES (%s, %s, %s, %s, %s)",
            [watch, USER, filename, status, at],
        )
        if ready is not None:
            cursor.execute(
                "INSERT INTO public.mediaitem (id, user_id, category, filename, created_at, transcript_ready) "
                "VALUES (%s, %s, 'main_content', %s, %s, %s)",
                [str(uuid4()), USER, filename, at, ready],
            )
    return watch
