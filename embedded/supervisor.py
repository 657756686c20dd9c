"""Keeps processes running: starts them, starts the crashed again, and stops them in reverse order."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from embedded.console import say
from embedded.errors import StartError
from embedded.process import Process

WATCH_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 20.0
MOST_RESTARTS = 6
STEADY_SECONDS = 60.0


@dataclass
class Watched:
    """A process, how to start it again, and how often that was needed lately."""

    process: Process
    start: Callable[[], None]
    restarts: int = 0
    started_at: float = field(default_factory=time.monotonic)
    start_again_at: float | None = None
    given_up: bool = False

    def pause_seconds(self) -> float:
        """Twice as long after each crash in a row."""
        return min(FIRST_PAUSE_SECONDS * (1 << self.restarts), LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Watches what it was given, in that order. Everything happens in the thread that calls it."""

    def __init__(self) -> None:
        self.watched: list[Watched] = []
        self.started: list[Process] = []

    def start(self, process: Process) -> None:
        """Start a process, watch it, and stop it in the end."""
        self.started.append(process)
        process.start()
        self.watch(process, process.start)

    def watch(self, process: Process, start: Callable[[], None]) -> None:
        """Watch a process that somebody else stops; `start` is how to start it after a crash."""
        self.watched.append(Watched(process, start))

    def run(self) -> None:
        """Watch until a stop signal raises out of here."""
        while True:
            self.look()
            time.sleep(WATCH_SECONDS)

    def look(self) -> None:
        """Look after each process once."""
        for watched in self.watched:
            if watched.start_again_at is not None:
                self._start_again_when_due(watched)
            elif not watched.given_up and not watched.process.running():
                self._note_crash(watched)

    def stop(self) -> None:
        """Ask all it started to end, the last one first, and then wait for each."""
        for process in reversed(self.started):
            process.ask_to_stop()
        for process in reversed(self.started):
            process.stop()

    def _note_crash(self, watched: Watched) -> None:
        process = watched.process
        if time.monotonic() - watched.started_at > STEADY_SECONDS:
            watched.restarts = 0
        say(f"{process.name} ended ({ending(process.exit_code())}). {process.log_tail(5)}")
        if watched.restarts >= MOST_RESTARTS:
            watched.given_up = True
            say(f"{process.name} stays down after {MOST_RESTARTS} restarts; the others go on.")
            return
        watched.start_again_at = time.monotonic() + watched.pause_seconds()
        watched.restarts += 1

    def _start_again_when_due(self, watched: Watched) -> None:
        if watched.start_again_at is None or time.monotonic() < watched.start_again_at:
            return
        watched.start_again_at = None
        watched.started_at = time.monotonic()
        say(f"Starting {watched.process.name} again.")
        try:
            watched.start()
        except StartError as error:
            say(str(error))


def ending(exit_code: int | None) -> str:
    """An exit code in words."""
    if exit_code is not None and exit_code < 0:
        return f"killed by signal {-exit_code}"
    return f"exit code {exit_code}"
