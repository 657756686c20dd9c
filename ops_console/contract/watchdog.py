"""What the console does every second so that no backend session holds it up."""

import logging
import threading

from django.db import DatabaseError, InterfaceError, connection

from ops_client.threads import SupervisedThread

logger = logging.getLogger(__name__)
INTERVAL_SECONDS = 1.0


def start() -> None:
    """Begin on a daemon thread. Every web process and worker has one: none of them is needed for it to go on."""
    SupervisedThread("ops-watchdog", _run, threading.Event()).start()


def fold_config_changes() -> None:
    """Sum up committed changes of the configuration, so that a poll reads few rows (contract/v1/10_revision.sql)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ops.fold_config_changes()")


def _run() -> None:
    pause = threading.Event()
    while not pause.wait(INTERVAL_SECONDS):
        try:
            fold_config_changes()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The watchdog could not look at the database: %s", error)
        finally:
            connection.close()
