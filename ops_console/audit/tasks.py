"""The worker's part of the audit."""

from celery import shared_task

from ops_console.audit.sealing import seal_all


@shared_task
def seal() -> int:
    """Every minute: seal the new entries."""
    return seal_all()
