"""Signs of life of a whole kind: whether anybody works on it at all."""

from datetime import datetime, timedelta

from django.db.models import Max, QuerySet
from django.utils import timezone

from incidents.operations.models import OperationMark, TrackedOperation
from incidents.operations.sources import Source, TrackedSource
from ops_console.contract.models import Instance
from ops_console.contract.queries import State

PROCESS_SILENT = timedelta(minutes=2)


def is_alive(source: Source) -> bool:
    """Whether an operation of the kind has given a fresh sign of life, or a process of its service lives."""
    newest = newest_sign(source)
    if newest and timezone.now() - newest < timedelta(seconds=source.stuck_after_seconds):
        return True
    if not isinstance(source, TrackedSource):
        return False
    processes = _processes_of(source).filter(seen_at__gt=timezone.now() - PROCESS_SILENT)
    return processes.filter(standing__state__in=[State.LIVE, State.SILENT]).exists()


def ended_cleanly(source: Source) -> bool:
    """Whether the kind's service was stopped: of its newest processes, none is live, crashed or silent."""
    if not isinstance(source, TrackedSource):
        return False
    states = _processes_of(source).order_by("-seen_at").values_list("standing__state", flat=True)
    return states.first() == State.ENDED


def _processes_of(source: Source) -> QuerySet[Instance]:
    services = TrackedOperation.objects.filter(kind=source.kind, status="running").values("service")
    return Instance.objects.filter(kind="backend", service__in=services)


def newest_sign(source: Source) -> datetime | None:
    """When an operation of the kind was last heard of; None where that never was."""
    signs = TrackedOperation.objects if isinstance(source, TrackedSource) else OperationMark.objects
    newest: datetime | None = signs.filter(kind=source.kind).aggregate(newest=Max("heartbeat_at"))["newest"]
    return newest
