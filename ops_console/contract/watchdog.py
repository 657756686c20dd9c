"""What the console does every second so that no backend session holds it up."""

import logging
import threading

from django.db import DatabaseError, InterfaceError, connection, transaction

from ops_client.threads import SupervisedThread
from ops_console.access.actor import SYSTEM
from ops_console.audit.services import Target, record

logger = logging.getLogger(__name__)
INTERVAL_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
# Console sessions that wait for too long, and whoever they wait for in the end: a backend session that waits itself is
# left alone, the one that it waits for is not. A role that only the server's superuser may end is never found.
_TERMINATE_BLOCKERS = """
WITH RECURSIVE console AS (
    SELECT session_user AS role UNION SELECT role FROM ops.contract_grantee WHERE kind <> 'backend'
), waiting AS (
    SELECT DISTINCT l.pid FROM pg_locks l
    JOIN pg_stat_activity a ON a.pid = l.pid JOIN console c ON c.role = a.usename
    WHERE NOT l.granted AND l.waitstart < clock_timestamp() - make_interval(secs => %s)
), blocking AS (
    SELECT w.pid AS waiter, by.pid AS blocker FROM waiting w, unnest(pg_blocking_pids(w.pid)) AS by (pid)
    UNION
    SELECT b.waiter, by.pid FROM blocking b, unnest(pg_blocking_pids(b.blocker)) AS by (pid)
), found AS (
    SELECT a.pid, a.usename AS role, count(DISTINCT b.waiter) AS held_up
    FROM blocking b JOIN pg_stat_activity a ON a.pid = b.blocker JOIN pg_roles r ON r.oid = a.usesysid
    WHERE NOT r.rolsuper AND a.usename NOT IN (SELECT role FROM console)
      AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted)
      AND EXISTS (
          SELECT FROM ops.contract_grantee g JOIN pg_roles granted ON granted.rolname = g.role
          WHERE g.kind = 'backend' AND pg_has_role(r.oid, granted.oid, 'MEMBER')
      )
    GROUP BY a.pid, a.usename
)
SELECT pid, role, held_up FROM found WHERE pg_terminate_backend(pid)
"""


def start() -> None:
    """Begin on a daemon thread. Every web process and worker has one: none of them is needed for it to go on."""
    SupervisedThread("ops-watchdog", _run, threading.Event()).start()


def fold_config_changes() -> None:
    """Sum up committed changes of the configuration, so that a poll reads few rows (contract/v1/10_revision.sql)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ops.fold_config_changes()")


def terminate_blockers(patience_seconds: float = PATIENCE_SECONDS) -> int:
    """End the sessions of backend roles that a session of the console has waited for so long; how many.

    Time limits on a role do not bind it: its sessions may set their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TERMINATE_BLOCKERS, [patience_seconds])
        ended = cursor.fetchall()
    for pid, role, held_up in ended:
        logger.error("A session of %s (process %s) held up the console (%s sessions) and was ended", role, pid, held_up)
        with transaction.atomic():
            target = Target("session", str(pid), f"{role}, process {pid}")
            before = {"role": role, "process": pid, "sessions_held_up": held_up}
            reason = f"It held up the console for longer than {patience_seconds:g} s."
            record(SYSTEM, "session.terminate", target, before=before, reason=reason)
    return len(ended)


def _run() -> None:
    pause = threading.Event()
    failing: str | None = None
    while not pause.wait(INTERVAL_SECONDS):
        try:
            terminate_blockers()
            fold_config_changes()
            failing = None
        except (DatabaseError, InterfaceError) as error:
            if str(error) != failing:
                logger.error("The watchdog could not do its work: %s", error)
            failing = str(error)
        finally:
            connection.close()
