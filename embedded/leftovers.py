"""What a kill -9 may leave in PostgreSQL's data: a server still running, or a pid file of none."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from embedded.errors import StartError

END_SECONDS = 15


def end_leftover_server(data: Path) -> None:
    """End a server that still holds the data, and drop a pid file whose number now belongs to anybody else.

    Raises StartError when it does not end.
    """
    pid_file = data / "postmaster.pid"
    pid = first_number(pid_file)
    if pid and is_postgres_of(pid, data):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        wait_for_end(pid, data)
    pid_file.unlink(missing_ok=True)


def first_number(file: Path) -> int | None:
    """The pid in the first line of a lock file; None where there is none to be read."""
    try:
        return abs(int(file.read_text().split("\n", 1)[0]))
    except (OSError, ValueError):
        return None


def is_postgres_of(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL server on this data, and not a newcomer with an old number."""
    try:
        return os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def wait_for_end(pid: int, data: Path) -> None:
    """Wait for a left-over server. Raises StartError when it does not end."""
    deadline = time.monotonic() + END_SECONDS
    while is_postgres_of(pid, data):
        if time.monotonic() > deadline:
            raise StartError(f"A PostgreSQL left over from before, process {pid}, still holds {data}: kill it.")
        time.sleep(0.05)
