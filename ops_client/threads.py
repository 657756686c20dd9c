"""Supervision of the client's background threads: one that fails is started again, later each time, and counted."""

import logging
import random
import threading
import time
from collections.abc import Callable

from ops_client.dsn import redact
from ops_client.errors import described

logger = logging.getLogger("ops_client")
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 60.0
# A thread that ran for this long has recovered: its next failure begins with the shortest wait.
RECOVERED_SECONDS = 120.0
LONGEST_ERROR = 500


class SupervisedThread:
    """A daemon thread that runs `run` until `stop` is set, whatever `run` raises, SystemExit included.

    A thread does not survive a fork: the child makes its own.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        stop: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.name = name
        self._run = run
        self._stop = stop
        self._monotonic = monotonic
        self._wait = wait or stop.wait
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._failed_at: float | None = None
        self._is_started = False
        self.restarts = 0
        self.last_error = ""

    @property
    def is_wanted(self) -> bool:
        """Whether it was started and not yet stopped."""
        return self._is_started and not self._stop.is_set()

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_failing(self) -> bool:
        """Whether it is not running though it should, or failed a short time ago."""
        if not self.is_wanted:
            return False
        recently = self._failed_at is not None and self._monotonic() - self._failed_at < RECOVERED_SECONDS
        return recently or not self.is_alive

    def start(self) -> None:
        """Start it unless it runs. Does not raise where the system has no thread left: `ensure` tries again."""
        with self._lock:
            if self.is_alive or self._stop.is_set():
                return
            self._is_started = True
            thread = threading.Thread(target=self._supervise, name=self.name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._note(error)
                logger.error("ops_client: the thread %s could not be started: %s", self.name, error)
                return
            self._thread = thread

    def ensure(self) -> None:
        """Start it again where it is gone without a trace, or could never be started."""
        if self._thread is not None and not self._thread.is_alive() and not self._stop.is_set():
            self._note(None)
            logger.error("ops_client: the thread %s is gone; it is started again", self.name)
        self.start()

    def join(self, timeout_seconds: float) -> None:
        """Wait for its end, once `stop` is set."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_seconds)

    def status(self) -> dict[str, object]:
        """For health pages."""
        return {"alive": self.is_alive, "restarts": self.restarts, "last_error": self.last_error}

    def _supervise(self) -> None:
        while not self._stop.is_set():
            began = self._monotonic()
            try:
                self._run()
                if self._stop.is_set():
                    return
                error: BaseException = RuntimeError("it ended by itself")
            except BaseException as raised:  # noqa: BLE001 - sys.exit() in a handler must not end the thread
                error = raised
            if self._stop.is_set():
                return
            if self._monotonic() - began >= RECOVERED_SECONDS:
                self._backoff_seconds = FIRST_BACKOFF_SECONDS
            self._note(error)
            logger.error(
                "ops_client: the thread %s failed and is started again in %.1f s",
                self.name,
                self._backoff_seconds,
                exc_info=error,
            )
            self._wait(self._backoff_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - spreads restarts, no secret
            self._backoff_seconds = min(self._backoff_seconds * 2, LONGEST_BACKOFF_SECONDS)

    def _note(self, error: BaseException | None) -> None:
        self.restarts += 1
        self._failed_at = self._monotonic()
        text = f"{type(error).__name__}: {described(error)}" if error is not None else "it ended without an error"
        self.last_error = redact(text)[:LONGEST_ERROR]


class ThreadSupervisor:
    """Keeps the threads of one client running."""

    def __init__(self) -> None:
        self._threads: dict[str, SupervisedThread] = {}

    def add(self, thread: SupervisedThread) -> SupervisedThread:
        """Supervise this one, in place of one of the same name."""
        self._threads[thread.name] = thread
        return thread

    def ensure(self) -> None:
        """Start again whatever is gone. Called by the threads themselves, so that one that lives revives the others."""
        for thread in list(self._threads.values()):
            if thread.is_wanted:
                thread.ensure()

    def status(self) -> dict[str, dict[str, object]]:
        """By name: whether it is alive, how often it was started again, and its last error."""
        return {name: thread.status() for name, thread in list(self._threads.items())}

    def problems(self) -> list[dict[str, str]]:
        """Threads that failed lately, for the console's System page."""
        return [
            {
                "flag": "threads",
                "rule": thread.name,
                "message": f"restarted {thread.restarts} times; last: {thread.last_error}"[:500],
            }
            for thread in list(self._threads.values())
            if thread.is_failing
        ]
