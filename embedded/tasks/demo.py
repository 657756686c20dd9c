"""`dev.py demo`: the whole system, from nothing to sign-ins, under one supervisor."""

import argparse
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from embedded import environment, paths, places
from embedded.account import ordinary_account
from embedded.answering import answers_ok
from embedded.console import say, step
from embedded.ports import check_different, check_free
from embedded.preparing import prepare
from embedded.process import Process
from embedded.programs import background, served
from embedded.secret import secret_key
from embedded.servers import running
from embedded.shells import write_shells
from embedded.signins import sign_in_lines
from embedded.supervisor import Supervisor
from embedded.surroundings import Surroundings

ALREADY_RUNNING = "The demo of this checkout runs already; stop that one first (Ctrl-C in its terminal)."
READY_SECONDS = 60


def run(arguments: argparse.Namespace) -> int:
    """Start everything, say where it is, and watch over it until a stop signal."""
    began_at = time.monotonic()
    paths.LOCAL.mkdir(parents=True, exist_ok=True)
    with places.held(paths.LOCAL, ALREADY_RUNNING):
        check_different(arguments.port, arguments.backend_port)
        check_free(arguments.port, "--port")
        check_free(arguments.backend_port, "--backend-port")
        environment.ensure(paths.VENV, [paths.ROOT / "requirements-dev.txt"])
        with started(arguments) as (supervisor, surroundings):
            say(block(surroundings, time.monotonic() - began_at))
            supervisor.run()
    return 0


@contextmanager
def started(arguments: argparse.Namespace) -> Iterator[tuple[Supervisor, Surroundings]]:
    """Servers, data and programs, started in order and stopped in reverse. Raises StartError."""
    account = ordinary_account()
    home = places.data_home(account)
    if arguments.reset:
        forget(home)
    begin_logs()
    with ExitStack() as stack:
        with step("Starting PostgreSQL and Valkey"):
            servers = stack.enter_context(running(home, paths.LOG, account))
        key = secret_key(paths.LOCAL / "secret-key")
        surroundings = Surroundings(servers, key, arguments.port, arguments.backend_port)
        write_shells(paths.SHELLS, surroundings)
        prepare(home, surroundings)
        supervisor = Supervisor()
        supervisor.watch(servers.postgres.process, servers.postgres.start)
        supervisor.watch(servers.valkey.process, servers.valkey.start)
        stack.callback(supervisor.stop)
        start_programs(supervisor, surroundings, traffic=not arguments.no_traffic)
        yield supervisor, surroundings


def start_programs(supervisor: Supervisor, surroundings: Surroundings, traffic: bool) -> None:
    """The two that people open come first and have the processor to themselves; the others follow."""
    opened = [(Process(command), port) for command, port in served(surroundings)]
    for process, _ in opened:
        supervisor.start(process)
    for process, port in opened:
        with step(f"Waiting for the {process.name} process"):
            process.wait_until(partial(answers_ok, port, "/readyz"), READY_SECONDS)
    for command in background(surroundings, traffic):
        supervisor.start(Process(command))


def forget(home: Path) -> None:
    """Delete the demo's data, sign-ins and logs."""
    for path in (home, paths.LOG, paths.SIGN_INS, paths.LOCAL / "snapshots"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def begin_logs() -> None:
    """Begin each log anew, and keep the run before."""
    paths.LOG.mkdir(exist_ok=True)
    for log in paths.LOG.glob("*.log"):
        log.replace(log.with_suffix(".log.before"))


def block(surroundings: Surroundings, seconds: float) -> str:
    """What a person needs to begin."""
    lines = [
        f"Ready after {seconds:.1f} s. Ctrl-C stops everything; logs are in {paths.LOG}",
        "",
        f"  Console        {surroundings.console_url}",
        f"  Demo backend   {surroundings.backend_url}",
        f"  For a shell    . {paths.SHELLS / 'console'}",
        *(f"  Sign in as     {line}" for line in sign_in_lines(paths.SIGN_INS)),
        "",
    ]
    return "\n".join(["", *lines])
