"""The worker's part: releasing what is due, and setting aside commands that nobody brings to an end."""

from celery import shared_task

from incidents.operations.release import bury_exhausted, release_due


@shared_task
def release_actions() -> None:
    """Release every action whose time has come, chunk by chunk. Two runs at once share the chunks."""
    release_due()


@shared_task
def bury_commands() -> None:
    """Make dead letters of commands whose last attempt ended without a word."""
    bury_exhausted()
