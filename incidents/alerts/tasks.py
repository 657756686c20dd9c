"""The worker's part: looking at every condition, and telling people."""

from celery import shared_task

from incidents.alerts.evaluation import evaluate_all
from incidents.alerts.messages import send_due
from incidents.alerts.queries import is_evaluated
from ops_console.errors import ConsoleError


@shared_task
def look() -> bool:
    """Look at every condition, as the only one.

    Raises ConsoleError, so that the System page shows the task as failed, where nobody has done so for too long.
    """
    done = evaluate_all()
    if not done and not is_evaluated():
        raise ConsoleError(
            "Another session holds the lock of the evaluation, and no rule has been evaluated for 1 min."
        )
    return done


@shared_task
def tell() -> int:
    """Send what is due."""
    return send_due()
