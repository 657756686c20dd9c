from celery import shared_task

from ops_console.pending_changes.services import apply_pending


@shared_task  # celery has no types
def retry() -> None:
    """Retry the changes that another database session held up."""
    apply_pending()
