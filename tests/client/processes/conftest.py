"""Starting what serves a backend in production, on a role of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from embedded import paths
from embedded.process import dying_with_parent

Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def run(backend_dsn: str, tmp_path: Path) -> Iterator[Run]:
    """`run("gunicorn", ...)`: a Python module as a process of the backend's role, ended with the test."""
    with ExitStack() as stack:

        def start(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
            environment = os.environ | {"DATABASE_URL": backend_dsn} | variables
            return stack.enter_context(running(arguments, environment, tmp_path / "output.log"))

        yield start


@contextmanager
def running(arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One process; what it said is shown when the test fails."""
    command = dying_with_parent([sys.executable, "-m", *arguments])
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=paths.ROOT, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
        print(log.read_text())
