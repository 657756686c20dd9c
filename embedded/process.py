"""One child process that dies with us, whatever kills us."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from embedded import paths
from embedded.account import Account
from embedded.errors import StartError

TAIL_BYTES = 8_000
# A parent that dies before the kernel is asked sends no signal any more: then the program must not start at all.
WITH_PARENT = '[ "$PPID" = "$0" ] && exec "$@"'


@dataclass(frozen=True)
class Command:
    """What to run and how to end it. `stop_signal` asks for an orderly end within `stop_seconds`."""

    name: str
    arguments: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    directory: Path = paths.ROOT
    account: Account = field(default_factory=lambda: Account("self"))
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10


class Process:
    """A command that can be started, watched, stopped and started again. Start it from the main thread only:
    the kernel ties a child's life to the thread that made it."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start it with its output going to its log, after ending what an earlier run has left behind.

        Raises StartError when the program cannot be run.
        """
        self.stop()
        command = self.command
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log:
            try:
                self._child = subprocess.Popen(
                    dying_with_parent(command.arguments, command.stop_signal),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=command.directory,
                    env=dict(command.environment),
                    start_new_session=True,
                    **command.account.popen_options(),
                )
            except OSError as error:
                raise StartError(f"{self.name} could not be started: {error}") from error

    def exit_code(self) -> int | None:
        """None while it runs (or has never been started)."""
        return self._child.poll() if self._child else None

    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._child is not None and self.running():
            self._child.send_signal(number)

    def ask_to_stop(self) -> None:
        """Send the signal for an orderly end, and do not wait."""
        self.send(self.command.stop_signal)

    def stop(self) -> None:
        """End it in order; after its time is up, end it by force, and whatever it has left behind with it."""
        if self._child is None:
            return
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(self.command.stop_seconds)
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child = None

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its log, for an error message."""
        path = self.command.log
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - TAIL_BYTES))
            last = log.read().decode(errors="replace").splitlines()[-lines:]
        return "\n  ".join([f"The end of {path}:", *last])

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for readiness. Raises StartError with the end of the log when it ends first or time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running():
                raise StartError(f"{self.name} ended while starting. {self.log_tail()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} was not ready within {seconds:.0f} s. {self.log_tail()}")
            time.sleep(0.03)


def dying_with_parent(arguments: Sequence[str], stop_signal: signal.Signals = signal.SIGTERM) -> list[str]:
    """The same command, set up so that the kernel sends it the signal when we die, by kill -9 too."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(arguments)
    death_signal = signal.Signals(stop_signal).name.removeprefix("SIG")
    return [setpriv, "--pdeathsig", death_signal, "--", "/bin/sh", "-c", WITH_PARENT, str(os.getpid()), *arguments]
