"""Whole processes, each with its own client, at the end of the open time."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ops_client.breaker.machine import BreakerConfig
from tests.incidents.breakers.nodes import Node
from tests.waiting import until

PROCESSES = 4


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.mark.process
def test_exactly_one_of_all_processes_probes(
    node: Callable[..., Node], backend_dsn: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Four processes call as fast as they can: one call gets through, all others are refused until it has answered."""
    one = node(BreakerConfig.consecutive(2, open_seconds=600))
    one.fail()
    one.publish()
    command = [sys.executable, "-m", "tests.incidents.breakers.prober", backend_dsn, str(tmp_path)]
    children = [subprocess.Popen(command, env=dict(os.environ)) for _ in range(PROCESSES)]
    try:
        until(lambda: len(lines(tmp_path / "ready")) == PROCESSES, 60, "every process knows that it is open")
        owner.execute("UPDATE ops.breakers_breaker SET since = now() - interval '1 hour'")
        until(lambda: len(lines(tmp_path / "refused")) == PROCESSES, 60, "every other process refused many calls")
        assert len(lines(tmp_path / "probes")) == 1
        (tmp_path / "release").touch()
        assert [child.wait(30) for child in children] == [0] * PROCESSES
    finally:
        for child in children:
            child.kill()
            child.wait()
    moves = owner.execute("SELECT to_status FROM ops.breakers_transition ORDER BY id").fetchall()
    assert moves == [("open",), ("half_open",), ("closed",)]
