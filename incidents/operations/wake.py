"""Telling the worker that there is something to release. Beat asks every few seconds anyhow: this saves the wait."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)
RELEASE_TASK = "incidents.operations.tasks.release_actions"


def wake_release(after_seconds: int) -> None:
    """Ask for a release after so many seconds. Without a broker the rows wait for beat, and nothing is lost."""
    try:
        current_app.send_task(RELEASE_TASK, countdown=after_seconds)
    except (OperationalError, OSError) as error:
        log.warning("release_not_announced", error=str(error))
