"""gunicorn --preload: the workers are forks of a process whose client had been used."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flags.models import Flag
from tests.client.processes.conftest import Run
from tests.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
APP = "tests.client.processes.wsgi_app:application"


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def test_every_worker_follows(run: Run, backend_dsn: str, tmp_path: Path) -> None:
    """A client used in the master before the fork follows toggles in each of two workers, reported as two instances.

    A normal stop ends the master and both workers cleanly, though nothing calls `close()`.
    """
    Flag.objects.create(name="x", everyone=False)
    served = tmp_path / "http.sock"
    master = run("gunicorn", "--preload", "--workers", "2", "--bind", f"unix:{served}", APP)
    until(lambda: listens(served), 30, "gunicorn")
    workers = until(lambda: two_workers(served, on=False), 30, "both workers")
    Flag.objects.update(everyone=True)
    assert until(lambda: two_workers(served, on=True), 30, "the toggle in both workers") == workers
    until(lambda: workers <= reported(backend_dsn), 15, "both workers' reports")
    master.terminate()
    master.wait(30)
    assert states(backend_dsn) == {"ended": 3}


def listens(served: Path) -> bool:
    """Whether the socket takes connections; its file is there a moment earlier."""
    try:
        SocketConnection(served).connect()
    except OSError:
        return False
    return True


def two_workers(served: Path, on: bool) -> set[int]:
    """The two that answered a handful of requests, all with this answer; nothing otherwise."""
    answers = [ask(served) for _ in range(12)]
    pids = {answer["pid"] for answer in answers} - {answer["master"] for answer in answers}
    return pids if len(pids) == 2 and all(answer["on"] is on for answer in answers) else set()


def ask(served: Path) -> dict[str, Any]:
    connection = SocketConnection(served)
    try:
        connection.request("GET", "/")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def states(dsn: str) -> dict[str, int]:
    """How many processes are in each state."""
    with psycopg.connect(dsn) as connection:
        return dict(connection.execute("SELECT state, count(*) FROM ops_v1.instance GROUP BY state").fetchall())


def reported(dsn: str) -> set[int]:
    with psycopg.connect(dsn) as connection:
        return {pid for (pid,) in connection.execute("SELECT pid FROM ops_v1.instance")}
