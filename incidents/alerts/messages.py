"""Notifications: one message for each channel is written with the change, sent after it, and retried when it fails."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from incidents.alerts import channels
from incidents.alerts.conditions import CONDITIONS
from incidents.alerts.machine import Event, State
from incidents.alerts.models import Alert, Message
from incidents.alerts.quiet import due_at
from ops_console.live import publish

logger = logging.getLogger(__name__)
MOST_ATTEMPTS = 8
FIRST_WAIT_SECONDS = 15
LONGEST_WAIT_SECONDS = 15 * 60
_LEASE = timedelta(minutes=2)


def write(alert: Alert, event: Event, now: datetime) -> None:
    """One message a channel, in the transaction of the change. In quiet hours it waits for their end."""
    rule = alert.rule
    when = due_at(now, rule.quiet_from, rule.quiet_until, rule.timezone)
    title, body = _words(alert, event)
    Message.objects.bulk_create(
        Message(
            alert=alert, event=event.value, channel_number=number, channel=channel, title=title, body=body, due_at=when
        )
        for number, channel in enumerate(channels.channels(), 1)
    )


def send_due(send: Callable[[int, str, str], bool] = channels.send) -> int:
    """Send what is due; how many went. Each is claimed first, so that two workers never send one twice at a time."""
    sent = 0
    while (message := _claim()) is not None:
        sent += _send(message, send)
    return sent


def _claim() -> Message | None:
    """The next message, with its lease: a worker that dies while sending leaves it to be sent again.

    Messages about one thing keep their order on each channel: "resolved" waits until "fired" was sent or has failed.
    """
    now = timezone.now()
    earlier = Message.objects.filter(
        state=Message.State.QUEUED,
        pk__lt=OuterRef("pk"),
        channel_number=OuterRef("channel_number"),
        alert__rule=OuterRef("alert__rule"),
        alert__subject=OuterRef("alert__subject"),
    )
    with transaction.atomic():
        due = Message.objects.filter(~Exists(earlier), state=Message.State.QUEUED, due_at__lte=now)
        due = due.order_by("due_at", "pk")
        message = due.select_for_update(skip_locked=True, of=("self",)).select_related("alert", "alert__rule").first()
        if message is not None:
            message.attempts += 1
            message.due_at = now + _LEASE
            message.save(update_fields=["attempts", "due_at"])
    return message


def _send(message: Message, send: Callable[[int, str, str], bool]) -> bool:
    if why := _needless(message):
        _close(message, Message.State.DROPPED, why)
        return False
    try:
        taken = send(message.channel_number, message.title, message.body)
        error = "" if taken else "The channel did not accept it."
    except channels.Undeliverable as failure:
        _close(message, Message.State.FAILED, str(failure))
        return False
    except Exception as failure:  # noqa: BLE001 - a channel's own code raises what it likes; its text may hold a secret
        logger.warning("An alert could not be sent: %s", type(failure).__name__)
        taken, error = False, f"The channel failed: {type(failure).__name__}."
    if taken:
        _close(message, Message.State.SENT)
    elif message.attempts >= MOST_ATTEMPTS:
        _close(message, Message.State.FAILED, error)
    else:
        wait_seconds = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (message.attempts - 1))
        message.due_at = timezone.now() + timedelta(seconds=wait_seconds * random.uniform(0.5, 1))  # noqa: S311
        message.error = error
        message.save(update_fields=["due_at", "error"])
    return taken


def _needless(message: Message) -> str:
    """Why a message that waited for the end of quiet hours is out of date; "" if it is not."""
    alert = message.alert
    if message.attempts > 1 or timezone.now() - message.created_at < _LEASE:
        return ""
    if message.event == Event.FIRED and alert.state == State.RESOLVED:
        return "It was resolved before the quiet hours ended."
    if message.event != Event.FIRED and alert.fired_at and not _was_told(message):
        return "No notification of its start was sent."
    return ""


def _was_told(message: Message) -> bool:
    same = Message.objects.filter(alert=message.alert, channel_number=message.channel_number, event=Event.FIRED)
    return same.filter(state=Message.State.SENT).exists()


def _close(message: Message, state: Message.State, error: str = "") -> None:
    message.state, message.error, message.done_at = state, error, timezone.now()
    message.save(update_fields=["state", "error", "done_at"])
    publish("alerts")


def _words(alert: Alert, event: Event) -> tuple[str, str]:
    condition = CONDITIONS.get(alert.rule_id)
    name = condition.title if condition else alert.rule_id
    title = {Event.FIRED: name, Event.RESOLVED: f"Resolved: {name}", Event.CLOSED: f"Closed: {name}"}[event]
    subject = f" ({alert.subject})" if alert.subject else ""
    texts = {
        Event.FIRED: alert.summary,
        Event.RESOLVED: f"Resolved. Last seen: {alert.summary}",
        Event.CLOSED: f"{alert.closed_because} Its condition is no longer checked. Last seen: {alert.summary}",
    }
    lines = [texts[event]]
    if settings.CONSOLE_URL and alert.url:
        lines.append(settings.CONSOLE_URL.rstrip("/") + alert.url)
    if alert.rule.runbook_url:
        lines.append(f"Runbook: {alert.rule.runbook_url}")
    return f"[{settings.ENVIRONMENT}] {title}{subject}"[:300], "\n\n".join(lines)
