"""Remembers the last run of every periodic task, so that one that stopped running can be seen."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import current_app, signals
from django.db import DatabaseError, InterfaceError
from django.db.models.functions import Now
from django.utils import timezone

from ops_console.telemetry.models import TaskRun

logger = logging.getLogger(__name__)
# A task that was due for this many intervals and did not run is late.
LATE_INTERVALS = 3
GRACE_SECONDS = 30
_started: dict[str, float] = {}


@dataclass(frozen=True)
class PeriodicTask:
    """A task of the schedule with its last run, if there was one. `late`: it should have run by now."""

    name: str
    interval_seconds: float
    run: TaskRun | None
    late: bool

    @property
    def state(self) -> str:
        if self.run is None:
            return "late" if self.late else "never"
        if self.run.error:
            return "failed"
        return "late" if self.late else "ok"


def overview() -> list[PeriodicTask]:
    """Every task of the schedule, by name; one query."""
    runs = {run.name: run for run in TaskRun.objects.all()}
    return [_periodic(name, seconds, runs.get(name)) for name, seconds in sorted(_schedule().items())]


def late_tasks() -> list[str]:
    """The names of tasks that should have run by now."""
    return [task.name for task in overview() if task.late]


def expect() -> None:
    """Begin to expect every task of the schedule, once: one that never runs is late after its interval."""
    try:
        TaskRun.objects.bulk_create([TaskRun(name=name) for name in _schedule()], ignore_conflicts=True)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Tasks that never ran cannot be noticed: %s", error)


def connect() -> None:
    """Begin recording in this process; a process that runs no task records none."""
    signals.task_prerun.connect(_began, dispatch_uid="ops.task_runs.began")
    signals.task_postrun.connect(_ended, dispatch_uid="ops.task_runs.ended")


def _began(task_id: str, task: Any, **_: Any) -> None:
    if task.name in _names(task.app):
        _started[task_id] = time.monotonic()
        _keep(task.name, started_at=Now())


def _ended(task_id: str, task: Any, state: str | None = None, retval: Any = None, **_: Any) -> None:
    began = _started.pop(task_id, None)
    if began is None:
        return
    values: dict[str, Any] = {"finished_at": Now(), "duration_seconds": time.monotonic() - began}
    if state == "SUCCESS":
        _keep(task.name, **values, succeeded_at=Now(), error="")
    else:
        said = f"{type(retval).__name__}: {retval}" if isinstance(retval, BaseException) else str(state)
        _keep(task.name, **values, error=said[:500])


def _keep(name: str, **values: Any) -> None:
    try:
        TaskRun.objects.update_or_create(name=name, defaults=values)
    except (DatabaseError, InterfaceError) as error:
        # The record of a run is worth less than the run.
        logger.warning("The run of %s could not be recorded: %s", name, error)


def _schedule() -> dict[str, float]:
    entries = current_app.conf.beat_schedule.values()
    return {entry["task"]: float(_seconds(entry["schedule"])) for entry in entries}


def _names(app: Any) -> Iterable[str]:
    return {entry["task"] for entry in app.conf.beat_schedule.values()}


def _seconds(schedule: Any) -> float:
    return schedule.total_seconds() if isinstance(schedule, timedelta) else schedule


def _periodic(name: str, seconds: float, row: TaskRun | None) -> PeriodicTask:
    if row is None:
        return PeriodicTask(name, seconds, None, late=False)
    if row.started_at is None:
        # Beat sends it for the first time after one interval.
        return PeriodicTask(name, seconds, None, late=_is_over(row.expected_since, seconds + GRACE_SECONDS))
    late = _is_over(row.started_at, max(seconds * LATE_INTERVALS, GRACE_SECONDS))
    return PeriodicTask(name, seconds, row, late)


def _is_over(since: datetime, seconds: float) -> bool:
    return timezone.now() - since > timedelta(seconds=seconds)
