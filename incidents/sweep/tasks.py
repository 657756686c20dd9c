"""The hourly look."""

from celery import shared_task

from incidents.sweep.services import sweep_all


@shared_task
def sweep_stuck() -> None:
    """Fail what is stuck of every armed kind; say of the others what would be failed."""
    sweep_all()
