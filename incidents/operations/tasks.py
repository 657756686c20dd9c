"""The worker's part: releasing what is due, and setting aside commands that nobody brings to an end."""

from celery import shared_task

from incidents.operations.refusals import put_back_refused
from incidents.operations.release import bury_exhausted, release_due
from incidents.operations.upkeep import vacuum_after_large
from incidents.operations.user_mail import mail_due


@shared_task
def release_actions() -> None:
    """Release every action whose time has come, chunk by chunk; put back what a backend refused."""
    release_due()
    put_back_refused()


@shared_task
def bury_commands() -> None:
    """Make dead letters of commands whose last attempt ended without a word."""
    bury_exhausted()


@shared_task
def look_after_tables() -> None:
    """VACUUM after large bulks."""
    vacuum_after_large()


@shared_task
def mail_users() -> None:
    """One mail to each user whose operations have failed, once the action is over."""
    mail_due()
