"""What happened to one operation, newest first: its own events, operators' actions, and its providers' breakers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from incidents.breakers.queries import moves_between
from incidents.operations.models import TrackedEvent, TrackedOperation
from incidents.operations.operation import Operation
from incidents.operations.progress import history
from incidents.operations.queries import Detail
from incidents.operations.sources import Source, TrackedSource, source_of
from incidents.operations.sources.text import action_named_in

MOST_EVENTS = 100
_WORDS = {
    "queued": "Queued",
    "started": "Started",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "refused": "A late write was refused",
}


@dataclass(frozen=True)
class Event:
    """`status` is the badge's word; `label` what stands in it."""

    at: datetime
    status: str
    label: str
    who: str = ""
    detail: str = ""
    url: str = ""


def timeline(found: Detail) -> list[Event]:
    """At most MOST_EVENTS of them."""
    operation = found.operation
    source = source_of(operation.kind)
    own = _tracked(operation) if isinstance(source, TrackedSource) else _foreign(source, operation)
    events = [*own, *_actions(operation, action_named_in(found.row["meta"])), *_breakers(source, operation)]
    return sorted(events, key=lambda event: event.at, reverse=True)[:MOST_EVENTS]


def _tracked(operation: Operation) -> Iterator[Event]:
    kept = TrackedEvent.objects.filter(kind=operation.kind, operation_id=operation.operation_id)
    for event in kept.order_by("-pk")[:MOST_EVENTS]:
        told = f"attempt {event.attempt}, version {event.version}"
        detail = f"{told}: {event.detail}" if event.detail else told
        yield Event(event.at, event.what, _WORDS.get(event.what, event.what), event.worker, detail)
    if operation.status == TrackedOperation.Status.RUNNING and operation.heartbeat_at:
        yield Event(operation.heartbeat_at, "alive", "Last heartbeat", operation.worker, operation.progress_note)


def _foreign(source: Source, operation: Operation) -> Iterator[Event]:
    yield Event(
        operation.age_at, "unknown", f"Its row says {source.age_column}", detail=f"status {operation.status or 'none'}"
    )
    if operation.heartbeat_at:
        yield Event(operation.heartbeat_at, "alive", "Last heartbeat")


def _actions(operation: Operation, named: list[int]) -> Iterator[Event]:
    for action, outcome in history(operation.kind, operation.operation_id, named):
        url = reverse("operations:action", args=[action.pk])
        status = outcome.outcome if outcome else "changed" if action.state == "done" else action.state
        detail = ". ".join(filter(None, [action.reason, outcome.detail if outcome else ""]))
        label = f"{action.get_verb_display()}: {status.replace('_', ' ')}"
        yield Event(action.finished_at or action.created_at, status, label, action.actor, detail, url)


def _breakers(source: Source, operation: Operation) -> Iterator[Event]:
    """How its providers stood when it began, and what their breakers did until its last sign."""
    until = operation.since if operation.status not in source.in_progress else timezone.now()
    for name, at, status, cause in moves_between(source.providers, operation.age_at, until):
        url = reverse("breakers:page", args=[name])
        yield Event(at, status, f"Breaker {name} {status.replace('_', '-')}", detail=cause, url=url)
