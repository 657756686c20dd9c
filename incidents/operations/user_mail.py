"""One mail a user about all of an action's operations that are theirs, when the action is over.

A notice is claimed in a transaction of its own before its mail is sent: a worker that is killed in between leaves it as
being sent, which a person can see. Nobody is ever told twice, and nobody of what is being taken back.
"""

import smtplib

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Exists, OuterRef
from django.utils import timezone

from incidents.operations.models import Action, UserNotice
from incidents.operations.sources import source_of
from ops_console import directory, mail
from ops_console.directory import Person
from ops_console.errors import NotFound

log = structlog.get_logger(__name__)
OVER = (Action.State.DONE, Action.State.CANCELLED)
AT_ONCE = 500
_State = UserNotice.State


def mail_due() -> int:
    """Send what is due; how many mails went out."""
    waiting = UserNotice.objects.filter(state=_State.DUE, action__state__in=OVER)
    taken_back = Action.objects.filter(takes_back=OuterRef("action"))
    waiting.filter(Exists(taken_back.filter(started_at__isnull=False))).update(state=_State.WITHHELD)
    # One that is only asked for may still be cancelled: until then nobody is told.
    due = waiting.exclude(Exists(taken_back.filter(state__in=Action.OPEN)))
    notices = list(due.select_related("action").order_by("id")[:AT_ONCE])
    people = directory.get_many(notice.user_id for notice in notices)
    return sum(_send(notice, people.get(notice.user_id)) for notice in notices if _claim(notice))


def _claim(notice: UserNotice) -> bool:
    due = UserNotice.objects.filter(pk=notice.pk, state=_State.DUE)
    return bool(due.update(state=_State.SENDING, claimed_at=timezone.now()))


def _send(notice: UserNotice, person: Person | None) -> bool:
    problem = "" if person and person.email else "The directory knows no address."
    problem = problem or ("" if mail.is_delivered() else mail.NOT_DELIVERED)
    if person and not problem:
        try:
            _message(notice, person).send()
        except (OSError, smtplib.SMTPException) as error:
            problem = f"{type(error).__name__}: {error}"
            log.warning("user_mail_failed", notice=notice.pk, error=problem)
    state = _State.FAILED if problem else _State.SENT
    UserNotice.objects.filter(pk=notice.pk).update(state=state, problem=problem)
    return not problem


def _message(notice: UserNotice, person: Person) -> EmailMessage:
    word = _word(notice.action.kind)
    which = f"one of your {word}s" if notice.operations == 1 else f"{notice.operations:,} of your {word}s"
    body = (
        f"Hello {person.name or person.email},\n\n"
        f"we could not finish {which}: it took far too long and was stopped. Nothing that you uploaded is lost.\n"
        "Your notifications say which, and you can start again from there.\n"
    )
    return EmailMessage(f"We could not finish {which}", body, settings.DEFAULT_FROM_EMAIL, [person.email])


def _word(kind: str) -> str:
    try:
        return source_of(kind).user_word
    except NotFound:
        return "job"
