"""The last run of every periodic task, as a worker leaves it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery, Task
from django.db import DatabaseError
from django.utils import timezone

from ops_console.celery import app
from ops_console.telemetry import task_runs
from ops_console.telemetry.models import TaskRun

pytestmark = pytest.mark.django_db
PERIODIC = "tests.periodic"


def work(fail: bool = False) -> None:
    if fail:
        raise ValueError("the mail server is away")


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    monkeypatch.setitem(app.conf.beat_schedule, PERIODIC, {"task": PERIODIC, "schedule": 60.0})
    yield app


@pytest.fixture
def periodic(schedule: Celery) -> Iterator[Task]:
    task = schedule.task(name=PERIODIC)(work)
    yield task
    schedule.tasks.pop(PERIODIC)


def run(task: Task, **kwargs: Any) -> TaskRun:
    task.apply(kwargs=kwargs)
    return TaskRun.objects.get(name=PERIODIC)


def state() -> str:
    return next(task.state for task in task_runs.overview() if task.name == PERIODIC)


def test_a_good_run_is_kept(periodic: Task) -> None:
    """Start, end, duration and success of the last run stand in the task's one row."""
    run(periodic)
    kept = run(periodic)
    assert kept.started_at <= kept.finished_at == kept.succeeded_at
    assert kept.duration_seconds >= 0 and kept.error == ""
    assert state() == "ok"


def test_a_failed_run_says_why_and_when_it_last_worked(periodic: Task) -> None:
    """The error stands there, and the last success stays."""
    good = run(periodic)
    failed = run(periodic, fail=True)
    assert failed.error == "ValueError: the mail server is away"
    assert failed.succeeded_at == good.succeeded_at
    assert state() == "failed"


def test_a_task_that_never_ran_is_named(periodic: Task) -> None:
    """The schedule is the list, not the runs: silence is seen."""
    assert state() == "never"


@pytest.mark.parametrize(("seconds", "wanted"), [(85, "never"), (91, "late")])
def test_a_task_that_never_ran_is_late_after_its_interval(periodic: Task, seconds: int, wanted: str) -> None:
    """Counted from when it was first expected, which a restart does not move."""
    task_runs.expect()
    since = timezone.now() - timedelta(seconds=seconds)
    TaskRun.objects.filter(name=PERIODIC).update(expected_since=since)
    task_runs.expect()
    assert TaskRun.objects.get(name=PERIODIC).expected_since == since
    assert (state(), PERIODIC in task_runs.late_tasks()) == (wanted, wanted == "late")
    run(periodic)
    assert state() == "ok"


def test_a_task_that_stopped_running_is_late(periodic: Task) -> None:
    """Three intervals without a run."""
    run(periodic)
    TaskRun.objects.update(started_at=timezone.now() - timedelta(seconds=181))
    assert state() == "late"


def test_other_tasks_are_not_kept(schedule: Celery) -> None:
    """What is not in the schedule leaves no row."""
    task = schedule.task(name="tests.once")(work)
    task.apply()
    schedule.tasks.pop("tests.once")
    assert not TaskRun.objects.exists()


def test_a_run_does_not_fail_for_its_record(periodic: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the record's table out of reach the task still does its work."""

    def away(**_: Any) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(TaskRun.objects, "update_or_create", away)
    assert periodic.apply().state == "SUCCESS"
