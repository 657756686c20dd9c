"""`dev.py test`: the whole suite, or what pytest's arguments name, on servers of its own."""

import argparse
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from embedded import environment, paths
from embedded.errors import Stopped
from embedded.process import dying_with_parent
from embedded.servers import throwaway_servers

# A file stays on one worker, so that the servers it starts are started once. Files keep their order: browser tests come
# last, since Playwright's event loop stays in the process that has had one.
WHOLE_SUITE = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
VARIABLES = ("DATABASE_URL", "REDIS_URL")
# Tests see production's settings, but for plain HTTP.
SETTINGS = {"SECRET_KEY": "only-for-tests-" + "".join(map(chr, range(48, 120))), "HTTPS": "0", "ENVIRONMENT": "test"}


def run(arguments: argparse.Namespace) -> int:
    """Install what tests need, start servers, run pytest; its exit code."""
    environment.ensure(paths.VENV, [paths.ROOT / "requirements-dev.txt"])
    with test_servers() as variables:
        command = [str(paths.python_of(paths.VENV)), "-m", "pytest", *(arguments.pytest or WHOLE_SUITE)]
        return run_in_foreground(command, os.environ | SETTINGS | variables)


@contextmanager
def test_servers() -> Iterator[dict[str, str]]:
    """The addresses of throw-away servers, or those in TEST_DATABASE_URL and TEST_REDIS_URL."""
    given = {name: os.environ[f"TEST_{name}"] for name in VARIABLES if os.environ.get(f"TEST_{name}")}
    if len(given) == len(VARIABLES):
        yield given
        return
    with throwaway_servers() as servers:
        yield servers.environment() | given


def run_in_foreground(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a command in our terminal. Ctrl-C reaches it by itself; any other stop signal is passed on."""
    child = subprocess.Popen(dying_with_parent(command), env=variables, cwd=paths.ROOT)
    try:
        return child.wait()
    except Stopped as stopped:
        if stopped.signal_number != signal.SIGINT:
            child.send_signal(signal.SIGINT)
        wait_or_kill(child, seconds=20)
        raise


def wait_or_kill(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Give a child its time to end, then end it."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
