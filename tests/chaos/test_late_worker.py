"""A worker that was taken for dead comes back, and finds that its work is somebody else's."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from incidents.operations import services
from incidents.operations.models import TrackedEvent, TrackedOperation
from incidents.operations.queries import count
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from tests import database
from tests.chaos.late_worker import ID, KIND
from tests.people import actor
from tests.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("committed")]


@pytest.fixture
def backend_dsn(committed: None) -> Iterator[str]:
    role = database.backend_role()
    yield database.dsn(role)
    database.drop_role(role)


@contextmanager
def worker(dsn: str, which: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.chaos.late_worker", dsn, which]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def is_taken_for_dead() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ops.operations_trackedoperation SET heartbeat_at = now() - interval '1 hour'")
    return count(Scope(KIND, evidence="dead")).number == 1


def test_the_late_writes_of_the_old_worker_are_refused(backend_dsn: str) -> None:
    """A process that froze is retried, its successor finishes; woken again it is told so, and has written nothing."""
    with worker(backend_dsn, "old") as old:
        assert said(old) == {"working": 1}
        old.send_signal(signal.SIGSTOP)
        # A heartbeat that was sent before the signal may still be written after the first time.
        until(is_taken_for_dead, 20, "the frozen worker's operation to be dead")
        services.start(actor(), Scope(KIND, ids=(ID,)), "retry", "its worker is gone")
        release_due()
        with worker(backend_dsn, "new") as new:
            assert said(new) == {"finished": 1, "payload": {"episode": "e1"}}
        finished = TrackedOperation.objects.values().get()
        old.send_signal(signal.SIGCONT)
        assert old.stdin is not None
        old.stdin.write("\n")
        old.stdin.flush()
        assert said(old) == {"lost": "succeeded", "version": 1}
    assert TrackedOperation.objects.values().get() == finished
    assert (finished["status"], finished["attempt"], finished["version"]) == ("succeeded", 2, 1)
    said_so = list(TrackedEvent.objects.order_by("pk").values_list("what", flat=True))
    assert said_so == ["started", "started", "succeeded", "refused"]
