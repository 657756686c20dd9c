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
_started: dict[str, float] = {}


@dataclass(frozen=True)
class PeriodicTask:
    """A task of the schedule with its last run, if there was one. `late`: it should have run again by now."""

    name: str
    interval_seconds: float
    run: TaskRun | None
    late: bool

    @property
    def state(self) -> str:
        if self.run is None:
            return "never"
        if self.run.error:
            return "failed"
        return "late" if self.late else "ok"


def overview() -> list[PeriodicTask]:
    """Every task of the schedule, by name; one query."""
    runs = {run.name: run for run in TaskRun.objects.all()}
    return [_periodic(name, seconds, runs.get(name)) for name, seconds in sorted(_schedule().items())]


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


def _periodic(name: str, seconds: float, run: TaskRun | None) -> PeriodicTask:
    return PeriodicTask(name, seconds, run, late=run is not None and _due_since(run.started_at, seconds))


def _due_since(started_at: datetime, seconds: float) -> bool:
    return timezone.now() - started_at > timedelta(seconds=max(seconds * LATE_INTERVALS, 30))
