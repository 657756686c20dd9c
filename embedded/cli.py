"""The command line of `dev.py`."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from embedded.errors import StartError, Stopped
from embedded.stopping import stop_signals

MODULES = {
    "demo": "demo",
    "test": "testing",
    "check": "checks",
    "bench": "bench",
    "servers": "servers",
    "lock": "lock",
    "oldest": "oldest",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What a person can mend is one message without a traceback."""
    arguments = parse(sys.argv[1:] if words is None else words)
    task = importlib.import_module(f"embedded.tasks.{MODULES[arguments.command]}")
    try:
        with stop_signals():
            return int(task.run(arguments))
    except StartError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        return 128 + stopped.signal_number


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Everything after `test` belongs to pytest, options included."""
    if words[:1] == ["test"]:
        return argparse.Namespace(command="test", pytest=list(words[1:]))
    return parser().parse_args(words)


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="dev.py", description="Start, test and check Ops Console.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="the whole system with a demo backend and traffic")
    demo.add_argument("--port", type=port, default=8000, help="of the console (default: 8000)")
    demo.add_argument("--backend-port", type=port, default=8001, help="of the demo backend (default: 8001)")
    demo.add_argument("--no-traffic", action="store_true", help="without the traffic maker")
    demo.add_argument("--reset", action="store_true", help="delete the demo's data first")
    commands.add_parser("test", help="the tests; arguments go to pytest", add_help=False)
    commands.add_parser("check", help="lint, format, types, import contracts, migrations, deployment checks")
    bench = commands.add_parser("bench", help="a benchmark against its peers")
    bench.add_argument("name", metavar="NAME", help="a module of benchmarks/")
    bench.add_argument("options", nargs=argparse.REMAINDER, metavar="...", help="its own options, --json for instance")
    commands.add_parser("oldest", help="the client's tests on the oldest versions of its dependencies")
    commands.add_parser("servers", help="PostgreSQL and Valkey alone, for work by hand")
    commands.add_parser("lock", help="compile the *.in files into hashed locks (needs uv)")
    return top


def port(text: str) -> int:
    """A TCP port that a program may choose."""
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: give a number from 1 to 65535")
    return number
