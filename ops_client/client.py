"""OpsClient: the entry point of the library. Create one per process."""

import atexit
import json
import logging
import os
import socket
import sys
import threading
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ops_client import __version__, lastgood
from ops_client.background import Background, Job
from ops_client.breaker import classify
from ops_client.breaker.breaker import Breaker
from ops_client.breaker.client import BreakerClient
from ops_client.breaker.machine import BreakerConfig
from ops_client.clock import Clock, SystemClock
from ops_client.dsn import normalised, redact_logs
from ops_client.errors import StoreUnavailable
from ops_client.flags.client import FlagClient
from ops_client.operations.client import OperationsClient
from ops_client.part import Part, Runtime
from ops_client.quotas.client import QuotaClient
from ops_client.store import PostgresStore, Store
from ops_client.sync import Sync
from ops_client.text import replace_unstorable, replaced
from ops_client.threads import ThreadSupervisor

logger = logging.getLogger("ops_client")
REPORT_SECONDS = 2.0
END_SECONDS = 1.0
MOST_PROBLEMS = 200

_clients: "weakref.WeakSet[OpsClient]" = weakref.WeakSet()
# Stores of the parent process, kept so that a child never closes the connections it shares with it.
_left_to_parent: list[Any] = []
# The process id that registered with `multiprocessing`'s own exit functions.
_exit_heard_in: int | None = None
T = TypeVar("T")


class OpsClient:
    """Flags, quotas, breakers and operations of one backend process, over the shared database.

    Nothing happens until something is asked: the first use connects, loads the configuration and starts two daemon
    threads. After a fork (gunicorn --preload, Celery prefork) the child does the same again by itself.

    `dsn` defaults to `DATABASE_URL`; SQLAlchemy's form `postgresql+driver://` is accepted. Raises InvalidInput on an
    address that cannot be read. `pooled` says whether it leads through a transaction pooler (PgBouncer); None finds
    out. Through one, or with `listen` off, changes are seen by polling, every `poll_seconds`, unless `direct_dsn`
    (default: `DATABASE_DIRECT_URL`) names the server itself, which is then listened on. `snapshot_path` is where the
    last known good configuration is kept: by default a file in the user's cache directory; None keeps none.
    """

    def __init__(
        self,
        dsn: str | None = None,
        *,
        service: str,
        version: str = "",
        poll_seconds: float = 1.0,
        listen: bool = True,
        pooled: bool | None = None,
        direct_dsn: str | None = None,
        snapshot_path: Path | str | None = "default",
        store: Store | None = None,
        clock: Clock | None = None,
    ) -> None:
        redact_logs()
        self._dsn = _address(dsn) if store is None else ""
        self._direct_dsn = _direct_address(direct_dsn) if store is None else ""
        self._pooled = pooled
        self._given_store = store
        self._poll_seconds = poll_seconds
        self._listen = listen
        self._path = lastgood.default_path(service, self._dsn) if snapshot_path == "default" else snapshot_path
        self._lock = threading.RLock()
        self._running = False
        self._closed = False
        # No report may follow that of the end: it would insert a row that is never marked as ended.
        self._report_lock = threading.Lock()
        self._is_end_reported = False
        self._failed_reports = 0
        self._failing: set[str] = set()
        self.version = replace_unstorable(version[:50])
        name = replace_unstorable(service[:100])
        self.runtime = Runtime(name, clock or SystemClock(), self._make_store(), self.start)
        self.runtime.store.identify(self.runtime.instance_id)
        self.flags = FlagClient(self.runtime)
        self.quotas = QuotaClient(self.runtime)
        self.breakers = BreakerClient(self.runtime)
        self.operations = OperationsClient(self.runtime)
        self._parts: list[Part] = [self.flags, self.quotas, self.breakers, self.operations]
        self._make_engine()
        _clients.add(self)

    def start(self) -> Self:
        """Connect, load and follow; called by the first use. Does not raise when the database is unreachable."""
        with self._lock:
            if not self._running and not self._closed:
                self._running = True
                self.runtime.started_at = self.runtime.clock.now()
                _call_at_process_exit()
                self._sync.start()
                self._background.start()
                for part in self._parts:
                    part.started()
        return self

    def breaker(
        self,
        name: str,
        config: BreakerConfig | None = None,
        *,
        is_failure: classify.IsFailure = classify.is_failure,
        is_failed_answer: classify.IsFailedAnswer = classify.is_failed_answer,
    ) -> Breaker:
        """Register the breaker of a provider, or, without `config`, hand out the one that is registered.

        Raises NotFound on a name that nobody registered, InvalidInput on a bad name or settings that differ.
        """
        if config is None:
            return self.breakers.get(name)
        return self.breakers.register(name, config, is_failure=is_failure, is_failed_answer=is_failed_answer)

    def close(self) -> None:
        """Stop following, write what is not yet written, close connections. The last answers stay in force.

        The console then shows that this process ended cleanly.
        """
        with self._lock:  # a start under way begins its threads first, which are then ended
            self._closed = True
        for part in self._parts:
            self._isolated(part, part.closing, None)  # before the lock is taken: what still runs may ask this client
        with self._lock:
            if self._running:
                self._sync.stop()
                self._background.stop()
                self._report_end("closed")
                self._running = False
            self.runtime.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def status(self) -> dict[str, Any]:
        """For the backend's own health pages. Does not query the database.

        `revision`, `source` (`none`, `file` or `database`), `reachable` and `stale` tell of the configuration.
        `background_failures`: jobs whose last run failed, and why. `dropped`: how many items were not stored, by kind.
        `threads`: each thread by name, whether it is alive, how often it was started again, and its last error.
        `handling`: the operation that a command's handler works on now, None where there is none.
        `replaced`: how many texts and numbers were changed because PostgreSQL cannot store them.
        """
        return {
            **self._sync.status(),
            "background_failures": dict(self._background.failures),
            "dropped": self._dropped(),
            "replaced": replaced.total,
            "threads": self.runtime.threads.status(),
            "handling": self.operations.handling(),
        }

    def _make_store(self) -> Store:
        return self._given_store or PostgresStore(self._dsn, direct_dsn=self._direct_dsn, pooled=self._pooled)

    def _make_engine(self) -> None:
        self._sync = Sync(
            self.runtime.store,
            self._parts,
            snapshot_path=Path(self._path) if self._path else None,
            poll_seconds=self._poll_seconds,
            listen=self._listen,
            threads=self.runtime.threads,
        )
        self._background = Background(self.runtime.clock, self.runtime.threads)
        self._background.add(Job("report", REPORT_SECONDS, self._report, at_close=True))
        for part in self._parts:
            for job in part.jobs():
                self._background.add(job)

    def _report(self) -> None:
        problems = self.runtime.threads.problems()
        for part in self._parts:
            failed: list[dict[str, str]] = [
                {"flag": type(part).__name__, "rule": "", "message": "its problems cannot be read; see the log"}
            ]
            problems += self._isolated(part, part.problems, failed)
        no_defaults: dict[str, str] = {}
        report = {
            "id": self.runtime.instance_id,
            "service": self.runtime.service,
            "host": replace_unstorable(socket.gethostname()[:255]),
            "pid": os.getpid(),
            "version": self.version,
            "client_version": __version__,
            "revision": self._sync.revision,
            "token": self._sync.token,
            "snapshot_source": self._sync.source,
            "problems": json.dumps(replace_unstorable(problems[:MOST_PROBLEMS])),
            "started_at": self.runtime.started_at,
            "flag_defaults": self._isolated(self.flags, self.flags.environment, no_defaults),
            "has_session": self.runtime.store.has_session,
            "dropped": self._dropped(),
        }
        with self._report_lock:
            if not self._is_end_reported:
                self.runtime.store.execute("report_instance", **report)

    def _dropped(self) -> dict[str, int]:
        found: dict[str, int] = {}
        nothing: dict[str, int] = {}
        for part in self._parts:
            found |= self._isolated(part, part.dropped, nothing)
        return {kind: count for kind, count in {**found, "reports": self._failed_reports}.items() if count}

    def _isolated(self, part: Part, ask: Callable[[], T], failed: T) -> T:
        """What a part answers; `failed` where it raises, which must not keep the others from being asked."""
        name = f"{type(part).__name__}.{ask.__name__}"
        try:
            answer = ask()
        except Exception:
            self._failed_reports += 1
            if name not in self._failing:  # asked every two seconds: one traceback is enough
                logger.exception("ops_client: %s failed", name)
                self._failing.add(name)
            return failed
        self._failing.discard(name)
        return answer

    def _report_end(self, ended_as: str) -> None:
        if not self._sync.reachable:
            return  # the console will see that this process is gone by its session
        # A report that takes longer than this has met a database that would not take the end either.
        is_ours = self._report_lock.acquire(timeout=END_SECONDS)
        self._is_end_reported = True
        try:
            self.runtime.store.fetch(
                "end_instance", within_seconds=END_SECONDS, id=self.runtime.instance_id, ended_as=ended_as
            )
        except StoreUnavailable as error:
            logger.info("ops_client: the end of this process is not recorded: %s", error)
        finally:
            if is_ours:
                self._report_lock.release()

    def _process_exits(self) -> None:
        """The interpreter exits without `close()`: nothing is awaited but this one short statement."""
        if self._running:
            # Set where the main thread ended by an error that nobody caught; in a shell, by any error before.
            crashed = hasattr(sys, "last_value") and not hasattr(sys, "ps1")
            self._report_end("crashed" if crashed else "closed")

    def _after_fork(self) -> None:
        """In the child: the parent's threads are not here, and its connections are not ours to use or to close."""
        _left_to_parent.append((self.runtime.store, self._sync, self._background))
        self._lock = threading.RLock()
        self._report_lock = threading.Lock()
        self._is_end_reported = False
        self._running = False
        self.runtime.threads = ThreadSupervisor()
        self.runtime.store = self._make_store()
        self.runtime.instance_id = uuid.uuid4()
        self.runtime.store.identify(self.runtime.instance_id)
        for part in self._parts:
            part.after_fork()
        self._make_engine()


def _address(dsn: str | None) -> str:
    """The address as libpq reads it. Raises InvalidInput naming the argument or the variable."""
    if dsn:
        return normalised(dsn)
    return normalised(os.environ.get("DATABASE_URL", ""), "DATABASE_URL")


def _direct_address(dsn: str | None) -> str:
    if dsn:
        return normalised(dsn, "direct_dsn")
    return normalised(os.environ.get("DATABASE_DIRECT_URL", ""), "DATABASE_DIRECT_URL")


def _wake_children() -> None:
    for client in list(_clients):
        client._after_fork()


def _exit_clients() -> None:
    for client in list(_clients):
        client._process_exits()


def _call_at_process_exit() -> None:
    """Children of multiprocessing run no `atexit` functions: they have a register of their own.

    Once per process and for all clients: an entry for one client would keep it alive after it was closed.
    """
    global _exit_heard_in
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _exit_heard_in != os.getpid():
        _exit_heard_in = os.getpid()
        util.Finalize(None, _exit_clients, exitpriority=100)


os.register_at_fork(after_in_child=_wake_children)
atexit.register(_exit_clients)
