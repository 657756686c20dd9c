"""Small jobs at intervals on one thread: reports and flushes. A job that fails is logged and tried again."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ops_client.clock import Clock
from ops_client.dsn import redact
from ops_client.errors import StoreUnavailable, described
from ops_client.threads import LONGEST_ERROR, SupervisedThread, ThreadSupervisor

logger = logging.getLogger("ops_client")


@dataclass
class Job:
    """What to run, how often, and when next (monotonic seconds). `at_close`: once more when the client closes."""

    name: str
    interval_seconds: float
    run: Callable[[], None]
    at_close: bool = False
    due: float = 0.0


class Background:
    """Runs jobs when they are due. None of them is on the path of a request."""

    def __init__(self, clock: Clock, threads: ThreadSupervisor) -> None:
        self._clock = clock
        self._jobs: list[Job] = []
        self._stop = threading.Event()
        self._threads = threads
        self._thread = threads.add(SupervisedThread("ops-background", self._run, self._stop))
        self.failures: dict[str, str] = {}

    def add(self, job: Job) -> None:
        """Add a job; it is due at once."""
        job.due = self._clock.monotonic()
        self._jobs.append(job)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, then run what must not be lost."""
        self._stop.set()
        self._thread.join(10)
        for job in self._jobs:
            # If the database is unreachable, each job blocks until its timeout, and the process could not end.
            if job.at_close and not self._attempt(job):
                break

    def run_due(self) -> float:
        """Run what is due; return the seconds until the next job."""
        now = self._clock.monotonic()
        for job in list(self._jobs):
            if job.due <= now and not self._stop.is_set():
                self._attempt(job)
                job.due = self._clock.monotonic() + job.interval_seconds
        return min((job.due for job in self._jobs), default=now + 1.0) - self._clock.monotonic()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._threads.ensure()
            self._stop.wait(min(max(self.run_due(), 0.01), 1.0))

    def _attempt(self, job: Job) -> bool:
        """Run the job; False when the database is unreachable."""
        try:
            job.run()
            self.failures.pop(job.name, None)
        except StoreUnavailable as error:
            self.failures[job.name] = error.message
            return False
        except KeyboardInterrupt:
            raise  # `stop` runs jobs on the caller's thread
        except BaseException as error:
            logger.exception("ops_client: the background job %s failed", job.name)
            self.failures[job.name] = redact(described(error))[:LONGEST_ERROR]
        return True
