"""However the supervising process ends, nothing of it stays, and the next one takes the data up."""

import signal
from pathlib import Path

import psycopg
import pytest

from tests.embedded.conftest import StartVictim
from tests.embedded.victim import Victim

pytestmark = pytest.mark.process
ORDERLY = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


def connect(victim: Victim) -> psycopg.Connection:
    return psycopg.connect(f"postgres://postgres@/postgres?host={victim.sockets}", autocommit=True)


def test_kill_9_of_the_parent_leaves_no_process(home: Path, start_victim: StartVictim) -> None:
    """After kill -9 of the supervising process, servers, programs and their children all end."""
    victim = start_victim(home)
    assert sorted(victim.living()) == ["grandchild", "postgres", "program", "valkey"]
    victim.child.send_signal(signal.SIGKILL)
    victim.child.wait()
    victim.wait_for_all_gone()


def test_kill_9_of_the_parent_leaves_no_socket_and_no_lock_file(home: Path, start_victim: StartVictim) -> None:
    """After kill -9 of the supervising process, sockets and pid files are gone too."""
    victim = start_victim(home)
    victim.child.send_signal(signal.SIGKILL)
    victim.child.wait()
    victim.wait_for_all_gone()
    assert victim.left_in_sockets() == []
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_the_start_after_a_kill_9_takes_the_data_up(home: Path, start_victim: StartVictim) -> None:
    """What was committed before a kill -9 is there at the next start, which needs no waiting or cleaning."""
    first = start_victim(home)
    with connect(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    first.child.send_signal(signal.SIGKILL)
    first.child.wait()
    second = start_victim(home)
    with connect(second) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@pytest.mark.parametrize("stop", ORDERLY)
def test_a_stop_signal_leaves_nothing(home: Path, start_victim: StartVictim, stop: signal.Signals) -> None:
    """SIGTERM, Ctrl-C and a closed terminal end everything before the parent itself ends."""
    victim = start_victim(home)
    victim.child.send_signal(stop)
    assert victim.child.wait(30) == 0
    assert victim.living() == []
    assert victim.left_in_sockets() == []
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_a_second_ctrl_c_does_not_interrupt_the_stopping(home: Path, start_victim: StartVictim) -> None:
    """An impatient second Ctrl-C leaves nothing behind either."""
    victim = start_victim(home)
    victim.child.send_signal(signal.SIGINT)
    victim.child.send_signal(signal.SIGINT)
    assert victim.child.wait(30) == 0
    assert victim.living() == []
