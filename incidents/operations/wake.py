"""Telling the worker that there is something to release. Beat asks every few seconds anyhow: this saves the wait."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)
RELEASE_TASK = "incidents.operations.tasks.release_actions"
# Whoever clicked must not wait for a broker that is away: one try, without the pauses of a pool's own retries.
_ONE_TRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


def wake_release(after_seconds: int) -> None:
    """Ask for a release after so many seconds. Without a broker the rows wait for beat, and nothing is lost."""
    options = {**current_app.conf.broker_transport_options, **_ONE_TRY}
    try:
        with current_app.connection_for_write(transport_options=options) as connection:
            current_app.send_task(RELEASE_TASK, countdown=after_seconds, connection=connection)
    except (OperationalError, OSError) as error:
        log.warning("release_not_announced", error=str(error))
