"""Periodic work that belongs to no single app."""

from celery import shared_task

from ops_console.retention import expire_all


@shared_task  # celery has no types
def keep_retention() -> None:
    """Nightly: let go of every row that is past its retention."""
    expire_all()
