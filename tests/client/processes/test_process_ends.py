"""How a process ended, as the console sees it: ended cleanly, crashed, or silent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from embedded import paths
from embedded.process import dying_with_parent
from ops_console.contract.models import Instance
from ops_console.contract.queries import instances
from tests import database
from tests.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
PROGRAM = """
import multiprocessing, sys, time
from ops_client import OpsClient

def work(say=True):
    ops = OpsClient(service="ending", snapshot_path=None).start()
    while not ops.runtime.store.has_session:
        time.sleep(0.01)
    ops._report()
    if say:
        print("ready", flush=True)
        sys.stdin.readline()
    return ops

if sys.argv[1] == "child":
    child = multiprocessing.get_context("fork").Process(target=work, args=(False,))
    child.start()
    child.join()
    print("ready", flush=True)
    sys.exit()
ops = work()
if sys.argv[1] == "close":
    ops.close()
if sys.argv[1] == "error":
    raise ValueError("nobody catches this")
"""


@pytest.fixture
def start(backend_dsn: str) -> Iterator:
    started = []

    def run(how: str) -> subprocess.Popen[bytes]:
        command = dying_with_parent([sys.executable, "-c", PROGRAM, how])
        environment = os.environ | {"DATABASE_URL": backend_dsn}
        process = subprocess.Popen(
            command, cwd=paths.ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def state() -> str:
    """The state of the one backend process, as if it had last reported a minute ago."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("UPDATE ops.contract_instance SET seen_at = now() - interval '1 minute'")
    return str(instances().get(service="ending").state)


@pytest.mark.parametrize(("how", "expected"), [("close", "ended"), ("return", "ended"), ("error", "crashed")])
def test_a_process_says_how_it_ends(start, how: str, expected: str) -> None:
    """`close()` and a plain end of the program are clean; an error that nobody caught is a crash. Known at once."""
    process = start(how)
    assert instances().get(service="ending").state == "live"
    process.communicate(b"\n", timeout=60)
    assert instances().get(service="ending").state == expected
    assert Instance.objects.get(service="ending").ended_at is not None


def test_a_child_of_multiprocessing_ends_cleanly(start) -> None:
    """Such a child ends by `os._exit`, which runs no `atexit` function."""
    start("child")
    assert state() == "ended"


def test_a_killed_process_has_crashed(start) -> None:
    """Nothing of a killed process can report its end: its session is gone from the server."""
    process = start("return")
    process.kill()
    process.wait()
    until(lambda: state() == "crashed", 20, "the server to notice")
    assert Instance.objects.get(service="ending").ended_at is None


def test_a_frozen_process_is_silent(start) -> None:
    """A process that is stopped or cut off still has its session: it may come back, and then it is live again."""
    process = start("return")
    process.send_signal(signal.SIGSTOP)
    assert state() == "silent"
    process.send_signal(signal.SIGCONT)
    until(lambda: instances().get(service="ending").state == "live", 30, "the next report")
