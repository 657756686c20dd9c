"""A supervising process seen from outside: its children by number, and whether they still live."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import until


@dataclass
class Victim:
    child: subprocess.Popen[str]
    pids: dict[str, int] = field(default_factory=dict)
    sockets: Path = Path()

    def read_pids(self) -> None:
        """It prints its socket directory, then a name and a pid a line, then `ready`."""
        assert self.child.stdout
        self.sockets = Path(self.child.stdout.readline().strip())
        for line in self.child.stdout:
            if line.strip() == "ready":
                return
            name, pid = line.split()
            self.pids[name] = int(pid)
        raise AssertionError("the supervising process ended before it was ready")

    def wait_for_all_gone(self) -> None:
        until(lambda: not self.living(), 20, f"still alive of {self.pids}: {self.living()}")

    def living(self) -> list[str]:
        return [name for name, pid in self.pids.items() if lives(pid)]

    def left_in_sockets(self) -> list[str]:
        return sorted(path.name for path in self.sockets.glob("*")) if self.sockets.exists() else []

    def end(self) -> None:
        self.child.kill()
        self.child.wait()
        self.wait_for_all_gone()


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
