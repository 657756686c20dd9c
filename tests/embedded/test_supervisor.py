"""Crashed processes are started again; all are stopped in reverse order."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from embedded import supervisor as supervising
from embedded.process import Command, Process, dying_with_parent
from embedded.supervisor import Supervisor
from tests.embedded.conftest import StartVictim
from tests.embedded.victim import lives
from tests.waiting import until

pytestmark = pytest.mark.process


def python(name: str, log: Path, code: str, stop_seconds: float = 10) -> Process:
    return Process(Command(name, [sys.executable, "-c", code], log / f"{name}.log", stop_seconds=stop_seconds))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "FIRST_PAUSE_SECONDS", 0.01)


def test_a_crashed_process_is_started_again_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A killed process comes back under a new pid, and the console says both."""
    supervisor, process = Supervisor(), python("sleeper", tmp_path, "import time; time.sleep(600)")
    supervisor.start(process)
    first = process.pid
    assert first
    process.send(signal.SIGKILL)

    def back() -> bool:
        supervisor.look()
        return process.running() and process.pid != first

    until(back, 10)
    supervisor.stop()
    said = capsys.readouterr().out
    assert "sleeper ended (killed by signal 9)" in said
    assert "Starting sleeper again." in said


def test_a_killed_database_comes_back_with_its_data(home: Path, start_victim: StartVictim) -> None:
    """The supervisor starts a killed PostgreSQL again on the same data and socket."""
    victim = start_victim(home)
    url = f"postgres://postgres@/postgres?host={victim.sockets}"
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(victim.pids["postgres"], signal.SIGKILL)
    until(lambda: not lives(victim.pids["postgres"]), 10)

    def answer() -> tuple[int, ...] | None:
        try:
            with psycopg.connect(url) as connection:
                return connection.execute("SELECT answer FROM kept").fetchone()
        except psycopg.OperationalError:
            return None

    assert until(answer, 30) == (42,)


def test_a_process_that_keeps_crashing_is_given_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After its restarts are used up it stays down, the console shows its last words, and the others go on."""
    supervisor = Supervisor()
    steady = python("steady", tmp_path, "import time; time.sleep(600)")
    supervisor.start(steady)
    supervisor.start(python("faulty", tmp_path, "raise SystemExit('no such table')"))

    def given_up() -> bool:
        supervisor.look()
        return supervisor.watched[1].given_up

    until(given_up, 30)
    said = capsys.readouterr().out
    assert said.count("Starting faulty again.") == supervising.MOST_RESTARTS
    assert "faulty stays down" in said
    assert "no such table" in said
    assert steady.running()
    supervisor.stop()


def test_pauses_between_restarts_grow_up_to_a_limit(tmp_path: Path) -> None:
    """Each pause is twice the one before, and none longer than the longest."""
    watched = supervising.Watched(python("any", tmp_path, ""), lambda: None)
    pauses = []
    for restarts in range(20):
        watched.restarts = restarts
        pauses.append(watched.pause_seconds())
    assert pauses[:3] == [0.01, 0.02, 0.04]
    assert max(pauses) == supervising.LONGEST_PAUSE_SECONDS


def test_they_are_asked_to_stop_in_reverse_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one started, which leans on the others, is asked first; in the end none runs."""
    asked: list[str] = []
    send = Process.send

    def note(process: Process, number: signal.Signals) -> None:
        if process.running():
            asked.append(process.name)
        send(process, number)

    monkeypatch.setattr(Process, "send", note)
    supervisor = Supervisor()
    for name in ("one", "two", "three"):
        supervisor.start(python(name, tmp_path, "import time; time.sleep(600)"))
    supervisor.stop()
    assert list(dict.fromkeys(asked)) == ["three", "two", "one"]
    assert not any(process.running() for process in supervisor.started)


def test_one_that_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    """A process that ignores the request to stop is killed when its time is up."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
    process = python("deaf", tmp_path, code, stop_seconds=0.2)
    process.start()
    until(lambda: "ready" in process.log_tail(), 10)
    pid = process.pid
    assert pid
    process.stop()
    assert not lives(pid)


def test_children_of_a_stopped_process_are_ended_too(tmp_path: Path) -> None:
    """A child that outlives its parent does not outlive the stop."""
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True); raise SystemExit"
    process = python("parent", tmp_path, code)
    process.start()
    until(lambda: not process.running(), 10)
    child = int(process.log_tail().split()[-1])
    assert lives(child)
    process.stop()
    until(lambda: not lives(child), 5)


def test_a_process_whose_parent_is_gone_before_it_begins_does_not_start(tmp_path: Path) -> None:
    """A kill -9 between fork and exec leaves nothing either: the program sees another parent, and does not begin."""
    note = tmp_path / "began"
    command = dying_with_parent(["touch", str(note)])
    somebody_else = subprocess.run(["sh", "-c", '"$@"; true', "sh", *command], check=False)
    assert somebody_else.returncode == 0
    assert not note.exists()
    subprocess.run(command, check=True)
    assert note.exists()
