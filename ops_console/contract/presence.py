"""The console's own processes report themselves beside the backends, for the System page."""

import atexit
import json
import logging
import os
import socket
import threading
import uuid

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from ops_client.flags.defaults import EnvironmentDefaults
from ops_client.threads import SupervisedThread

logger = logging.getLogger(__name__)
REPORT_SECONDS = 5.0
END_SECONDS = 1.0
_UPSERT = """
INSERT INTO ops.contract_instance (id, service, kind, host, pid, version, client_version, contract, revision,
                                   token, snapshot_source, problems, started_at, seen_at, flag_defaults)
SELECT %s, 'ops-console', %s, %s, %s, %s, %s, 'v1', revision, token, 'database', '[]', %s, now(), %s
FROM ops_v1.revision
ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, token = excluded.token, seen_at = excluded.seen_at
"""
_END = "UPDATE ops.contract_instance SET ended_at = now(), ended_as = 'closed' WHERE id = %s AND ended_at IS NULL"


class Presence:
    """A daemon thread that upserts one row every few seconds. The console reads the database at every request, so
    the revision that it has applied is always the newest."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        # No report may follow that of the end: it would add a process that nobody ends.
        self._lock = threading.Lock()
        self._is_ended = False
        os.register_at_fork(after_in_child=self.start)
        atexit.register(self.end)

    def start(self) -> None:
        """Begin, or begin again in a forked child, under an id of this process."""
        self._lock = threading.Lock()
        self._is_ended = False
        self._id = uuid.uuid4()
        self._started_at = timezone.now()
        SupervisedThread("ops-presence", self._run, threading.Event()).start()

    def report(self) -> None:
        """Write the row once. Raises DatabaseError or InterfaceError when the database is away."""
        with self._lock, connection.cursor() as cursor:
            if self._is_ended:
                return
            cursor.execute(
                _UPSERT,
                [
                    self._id,
                    self._kind,
                    socket.gethostname(),
                    os.getpid(),
                    settings.VERSION,
                    settings.VERSION,
                    self._started_at,
                    json.dumps(EnvironmentDefaults(os.environ).values),
                ],
            )

    def end(self, **_: object) -> None:
        """Record a clean end. Run at the exit of the interpreter; a Celery pool process has to call it."""
        # A report that takes longer than this has met a database that would not take the end either.
        is_ours = self._lock.acquire(timeout=END_SECONDS)
        self._is_ended = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(_END, [self._id])
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The end of this process could not be recorded: %s", error)
        finally:
            if is_ours:
                self._lock.release()
            connection.close()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.report()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("This process could not report itself: %s", error)
            finally:
                connection.close()
            pause.wait(REPORT_SECONDS)
