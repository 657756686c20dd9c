"""The worker's part of the audit."""

from celery import shared_task

from ops_console.audit.sealing import seal_all
from ops_console.audit.services import record_left_out


@shared_task
def seal() -> int:
    """Every minute: say what was left out, and seal the new entries."""
    record_left_out()
    return seal_all()
