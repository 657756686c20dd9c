"""`dev.py servers`: PostgreSQL and Valkey alone, for work by hand."""

import argparse
import signal

from embedded import environment, paths
from embedded.console import say
from embedded.servers import throwaway_servers


def run(_arguments: argparse.Namespace) -> int:
    """Start throw-away servers, print their addresses for a shell, and run until a stop signal."""
    environment.ensure(paths.VENV, [paths.ROOT / "requirements-dev.txt"])
    with throwaway_servers() as servers:
        for name, value in servers.environment().items():
            say(f"export {name}='{value}'")
        say("# A database with the podcast's tables: .venv/bin/python -m demo.bootstrap")
        say("# Running until Ctrl-C; the data goes with it.")
        while True:
            signal.pause()
