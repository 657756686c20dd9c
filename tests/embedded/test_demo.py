"""`dev.py demo` from its first start to its last stop."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded import paths, places
from embedded.account import Account
from tests.waiting import until

pytestmark = pytest.mark.process
PROGRAMS = ["backend", "beat", "postgres", "traffic", "valkey", "web", "worker"]


@dataclass
class Demo:
    """One `dev.py demo` on data of its own, and everything that runs in its name."""

    home: Path
    port: int
    backend_port: int
    child: subprocess.Popen[str] | None = None
    printed: str = ""

    def start(self) -> str:
        """Start it; what it prints up to its block, which ends with the sign-ins."""
        self.child = subprocess.Popen(
            self.command(), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        printed = ""
        for line in self.child.stdout or ():
            printed += line
            if line.split()[:3] == ["Sign", "in", "as"] and "admin" in line:
                return printed
        raise AssertionError(f"the demo did not start:\n{printed}")

    def command(self) -> list[str]:
        ports = ["--port", str(self.port), "--backend-port", str(self.backend_port)]
        return [sys.executable, str(paths.ROOT / "dev.py"), "demo", *ports]

    def environment(self) -> dict[str, str]:
        return os.environ | {"DEMO_HOME": str(self.home)}

    def stop(self, number: signal.Signals) -> int:
        assert self.child
        self.child.send_signal(number)
        return self.child.wait(60)

    def running(self) -> str:
        """Start it unless it runs; what it printed."""
        if self.child is None or self.child.poll() is not None:
            self.printed = self.start()
        return self.printed

    def living(self) -> list[str]:
        """Command lines of all processes that this demo has started, known by their environment."""
        processes = (path for path in Path("/proc").iterdir() if path.name.isdigit())
        return [line for process in processes if (line := self._command_line(process))]

    def left_behind(self) -> list[str]:
        """Sockets, pid files and lock files in its home."""
        suspects = ("*.sock", "*.pid", ".s.PGSQL*", "*.lock")
        return [str(path) for suspect in suspects for path in self.home.rglob(suspect)]

    def page(self, path: str) -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", path)
            return connection.getresponse().status

    def _command_line(self, process: Path) -> str:
        try:
            if f"DEMO_HOME={self.home}".encode() in (process / "environ").read_bytes().split(b"\0"):
                return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
        return ""


@pytest.fixture(scope="module")
def demo(account: Account) -> Iterator[Demo]:
    """A demo with no data yet, not started. Pytest's own temporary directories are closed to the servers' user."""
    with places.throwaway(account) as home:
        demo = Demo(home / "demo", free_port(), free_port())
        yield demo
        if demo.child is not None:
            demo.child.kill()
            until(lambda: not demo.living(), 30)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_it_prints_addresses_and_sign_ins(demo: Demo) -> None:
    """From no data to one block with both addresses and three sign-ins, and to a page that answers."""
    printed = demo.running()
    assert f"http://localhost:{demo.port}" in printed  # passkeys need a name
    assert f"http://127.0.0.1:{demo.backend_port}" in printed
    assert [role for role in ("viewer", "operator", "admin") if role in printed] == ["viewer", "operator", "admin"]
    assert demo.page("/accounts/login/") == http.client.OK


def test_every_program_has_a_log(demo: Demo) -> None:
    """Each program writes to a log of its own, so that a person knows where to look."""
    demo.running()
    assert sorted(path.stem for path in (demo.home / "log").glob("*.log")) == PROGRAMS


def test_secrets_are_readable_by_their_owner_only(demo: Demo) -> None:
    """The signing key and the sign-ins stand in files that nobody else may read, those for a shell included."""
    demo.running()
    for name in ("secret-key", "sign-ins.json", "shell/console", "shell/owner", "shell/backend"):
        assert (demo.home / name).stat().st_mode & 0o077 == 0


def test_a_shell_finds_the_running_demo(demo: Demo) -> None:
    """Sourcing the file that is printed is all that `manage.py` needs in a bare shell, Python included."""
    printed = demo.running()
    shell = demo.home / "shell" / "console"
    assert f". {shell}" in printed
    typed = f'. "{shell}" && python manage.py sources check'
    bare = {"PATH": os.environ["PATH"], "HOME": str(demo.home)}
    answer = subprocess.run(["sh", "-c", typed], cwd=paths.ROOT, env=bare, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith('episode_assembly (public."episode")')


def test_a_second_demo_on_the_same_data_is_refused(demo: Demo) -> None:
    """Two on one set of data would ruin it: the second is told that one runs."""
    demo.running()
    second = Demo(demo.home, free_port(), free_port())
    answer = subprocess.run(second.command(), env=second.environment(), capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "runs already" in answer.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_leaves_nothing(demo: Demo, number: signal.Signals) -> None:
    """After Ctrl-C or SIGTERM there is no process, no socket and no lock file."""
    demo.running()
    assert demo.stop(number) == 128 + number
    assert demo.living() == []
    assert demo.left_behind() == []


def test_a_kill_9_leaves_nothing(demo: Demo) -> None:
    """After kill -9 all processes end by themselves, and take sockets and lock files with them."""
    demo.running()
    demo.stop(signal.SIGKILL)
    until(lambda: not demo.living(), 30, "processes left")
    assert demo.left_behind() == []


def test_the_next_start_takes_the_data_up(demo: Demo) -> None:
    """A second start prepares nothing again and has the same sign-ins."""
    demo.running()
    sign_ins = json.loads((demo.home / "sign-ins.json").read_text())
    demo.stop(signal.SIGTERM)
    printed = demo.running()
    assert "Migrating" not in printed
    assert all(entry["password"] in printed for entry in sign_ins)
