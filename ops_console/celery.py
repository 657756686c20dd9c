"""Celery's application: the console's worker and beat. What must commit with the data goes through the outbox."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_process_shutdown, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ops_console.settings")

# Every periodic task and its interval in seconds; the System page shows when each ran last.
BEAT: dict[str, float] = {
    "incidents.operations.tasks.release_actions": 3,
    "incidents.operations.tasks.bury_commands": 30,
    "incidents.operations.tasks.mail_users": 30,
    "incidents.operations.tasks.look_after_tables": 30,
    "incidents.sweep.tasks.sweep_stuck": 3600,
    "incidents.alerts.tasks.look": 10,
    "incidents.alerts.tasks.tell": 10,
    "ops_console.audit.tasks.seal": 60,
    "ops_console.pending_changes.tasks.retry": 2,
    "ops_console.tasks.keep_retention": 24 * 3600,
    "quotas.tasks.end_overrides": 60,
    "quotas.tasks.drop_idle_rings": 3600,
    "quotas.tasks.recount_storage": 24 * 3600,
}

app = Celery("ops_console")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A run that waited for longer than its interval is dropped: the next one does its work.
app.conf.beat_schedule = {
    name: {"task": name, "schedule": seconds, "options": {"expires": max(seconds, 10)}}
    for name, seconds in BEAT.items()
}
app.autodiscover_tasks()


@celeryd_init.connect
def _log_uncaught(**_: Any) -> None:
    from ops_console.logs import log_uncaught

    log_uncaught()


@worker_ready.connect
def _report_worker(**_: Any) -> None:
    from django.db import connection

    from ops_console import worker_watch
    from ops_console.contract import watchdog
    from ops_console.contract.presence import Presence
    from ops_console.telemetry import task_runs

    task_runs.expect()
    connection.close()  # the worker's pool processes must not inherit it

    presence = Presence("worker")
    presence.start()
    # Pool processes end by os._exit, without the interpreter's exit functions.
    worker_process_shutdown.connect(presence.end, weak=False)
    worker_watch.start()
    watchdog.start()


@beat_init.connect
def _report_beat(**_: Any) -> None:
    from ops_console.contract.presence import Presence

    Presence("beat").start()
