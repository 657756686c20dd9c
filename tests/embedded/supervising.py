"""`python -m tests.embedded.supervising HOME LOG`: both servers and a program with a child, until told to stop."""

import sys
from pathlib import Path

from embedded.account import ordinary_account
from embedded.console import say
from embedded.errors import Stopped
from embedded.process import Command, Process
from embedded.servers import running
from embedded.stopping import stop_signals
from embedded.supervisor import Supervisor
from tests.waiting import until

PROGRAM = """
import os, subprocess, sys
from pathlib import Path
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
Path(sys.argv[1]).write_text(str(child.pid))
child.wait()
"""


def main(home: Path, log: Path) -> None:
    with running(home, log, ordinary_account()) as servers:
        supervisor = Supervisor()
        supervisor.watch(servers.postgres.process, servers.postgres.start)
        supervisor.watch(servers.valkey.process, servers.valkey.start)
        try:
            program, grandchild = start_program(supervisor, log)
            say(str(servers.postgres.sockets))
            for process in (servers.postgres.process, servers.valkey.process, program):
                say(f"{process.name} {process.pid}")
            say(f"grandchild {grandchild}\nready")
            supervisor.run()
        finally:
            supervisor.stop()


def start_program(supervisor: Supervisor, log: Path) -> tuple[Process, int]:
    note = log / "grandchild"
    note.unlink(missing_ok=True)
    program = Process(Command("program", [sys.executable, "-c", PROGRAM, str(note)], log / "program.log"))
    supervisor.start(program)
    return program, int(until(lambda: note.exists() and note.read_text(), 10))


if __name__ == "__main__":
    try:
        with stop_signals():
            main(Path(sys.argv[1]), Path(sys.argv[2]))
    except Stopped:
        pass
