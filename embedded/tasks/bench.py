"""`dev.py bench NAME`: one benchmark against its peers, on servers of its own."""

import argparse
import os

from embedded import environment, paths
from embedded.errors import StartError
from embedded.servers import throwaway_servers
from embedded.tasks.testing import SETTINGS, run_in_foreground

BENCHMARKS = paths.ROOT / "benchmarks"


def run(arguments: argparse.Namespace) -> int:
    """Install product and peers into an environment of their own, and run `benchmarks.NAME` in it."""
    check_name(arguments.name)
    locks = [paths.ROOT / "requirements-dev.txt", BENCHMARKS / "peers.txt"]
    environment.ensure(paths.VENV, locks[:1])
    environment.ensure(paths.BENCH_VENV, locks)
    command = [str(paths.python_of(paths.BENCH_VENV)), "-m", f"benchmarks.{arguments.name}", *arguments.options]
    with throwaway_servers() as servers:
        return run_in_foreground(command, os.environ | SETTINGS | servers.environment())


def check_name(name: str) -> None:
    """Raises StartError listing the benchmarks there are when it is none of them."""
    known = sorted(file.stem for file in BENCHMARKS.glob("[a-z]*.py") if '__name__ == "__main__"' in file.read_text())
    if name not in known:
        raise StartError(f"There is no benchmark {name!r}; there are {', '.join(known) or 'none'}.")
