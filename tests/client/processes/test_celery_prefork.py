"""Celery's prefork pool: its processes are forks of one whose client had been used."""

import os

import pytest

from flags.models import Flag
from tests.client.processes.conftest import Run
from tests.client.processes.test_gunicorn_preload import states
from tests.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
APP = "tests.client.processes.celery_app"
WORKER = ("--concurrency", "2", "-O", "fair", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")


def test_every_pool_process_follows(run: Run, backend_dsn: str) -> None:
    """A client used in the parent before the fork follows toggles in each of two pool processes.

    A normal stop ends all three cleanly: the parent by itself, the pool processes by their shutdown signal.
    """
    Flag.objects.create(name="x", everyone=False)
    queue = f"backend-{os.getpid()}"
    worker = run("celery", "-A", APP, "worker", *WORKER, BACKEND_QUEUE=str(os.getpid()))
    processes = until(lambda: two_processes(queue, on=False), 60, "both pool processes")
    Flag.objects.update(everyone=True)
    assert until(lambda: two_processes(queue, on=True), 30, "the toggle in both processes") == processes
    worker.terminate()
    worker.wait(60)
    assert states(backend_dsn) == {"ended": 3}


def two_processes(queue: str, on: bool) -> set[int]:
    """The two that did a handful of tasks, all with this answer; nothing otherwise."""
    from tests.client.processes.celery_app import answer

    sent = [answer.apply_async(queue=queue) for _ in range(8)]
    done = [each.get(timeout=60) for each in sent]
    pids = {pid for pid, _, _ in done} - {parent for _, _, parent in done}
    return pids if len(pids) == 2 and all(said is on for _, said, _ in done) else set()
