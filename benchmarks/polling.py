"""What following costs the database: CPU time of the server for a poll, and so for 200 processes that poll each second.

A poll is what every client process sends each second. The floor is the same number of `SELECT 1`.
"""

import os
from pathlib import Path

import psycopg

from benchmarks.propagation import prepare
from benchmarks.report import Result, print_result
from demo.dsn import BACKEND_ROLE, connection_info, database_name
from ops_client.sql import statements

PROCESSES = 200
POLLS = 10_000
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def measure() -> Result:
    """Both on one connection, one after the other. Needs DATABASE_URL of a superuser, on this host."""
    url = os.environ["DATABASE_URL"]
    prepare()
    with psycopg.connect(
        connection_info(url, user=BACKEND_ROLE, database=database_name(url)), autocommit=True
    ) as connection:
        poll = microseconds(connection, statements()["revision"])
        nothing = microseconds(connection, "SELECT 1")
    share = poll * PROCESSES / 1e6 * 100
    details = {"processes": PROCESSES, "percent_of_a_core_at_one_poll_a_second": round(share, 2)}
    return Result("polling", "us (server CPU)", round(poll, 1), round(nothing, 1), details=details)


def microseconds(connection: psycopg.Connection, statement: str) -> float:
    """CPU time of the server's process for one of many such statements."""
    before = server_seconds(connection.info.backend_pid)
    for _ in range(POLLS):
        connection.execute(statement.encode()).fetchall()
    return (server_seconds(connection.info.backend_pid) - before) / POLLS * 1e6


def server_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


if __name__ == "__main__":
    print_result(measure())
