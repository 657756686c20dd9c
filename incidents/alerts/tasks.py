"""The worker's part: looking at every condition, and telling people."""

from celery import shared_task

from incidents.alerts.evaluation import evaluate_all
from incidents.alerts.messages import send_due


@shared_task
def look() -> bool:
    """Look at every condition, as the only one."""
    return evaluate_all()


@shared_task
def tell() -> int:
    """Send what is due."""
    return send_due()
