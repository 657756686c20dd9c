"""How long each kind of row is kept: one table, kept by one nightly task.

An app adds its rows here; `expire(older_than)` deletes what is older and answers how many rows went.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from ops_console.audit.models import RETENTION_DAYS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """`days` after which `expire` lets go of rows of `what`."""

    what: str
    days: int
    expire: Callable[[timedelta], int]


def expire_audit(_: timedelta) -> int:
    """Entries leave by the owner's function alone, which goes by the owner's row in `ops.audit_retention`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ops.expire_audit()")
        (expired,) = cursor.fetchone()
    return int(expired)


def deleting(table: str, column: str, condition: str = "TRUE") -> Callable[[timedelta], int]:
    """The plain way: rows of `table` whose time in `column` is past, in pieces that block nobody for long."""
    past = f"{column} < now() - make_interval(secs => %s) AND ({condition})"
    statement = (
        f"WITH gone AS (SELECT ctid FROM {table} WHERE {past} LIMIT 5000)"  # noqa: S608 - names of our own
        f" DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM gone)"
    )

    def expire(older_than: timedelta) -> int:
        total = 0
        with connection.cursor() as cursor:
            while True:
                cursor.execute(statement, [older_than.total_seconds()])
                gone = int(cursor.rowcount)
                total += gone
                if gone < 5000:
                    return total

    return expire


REPLACED = "id IN (SELECT p.id FROM ops.process p WHERE p.replaced)"
# A process that sees nothing new does not report again, and yet it lives.
SILENT = "NOT EXISTS (SELECT FROM ops.contract_instance i WHERE i.id = instance_id)"

# Of an action's rows the children go first: no row may be left without the one it belongs to.
ENDED = "(SELECT a.finished_at FROM ops.operations_action a WHERE a.id = action_id)"
LAST_NEWS = "GREATEST(last_command_at, heartbeat_at)"
CHILDLESS = " AND ".join(
    f"NOT EXISTS (SELECT FROM ops.operations_{child} c WHERE c.action_id = ops.operations_action.id)"
    for child in ("outcome", "command", "chunk", "usernotice")
)

# The messages about an alert go first.
MESSAGELESS = "NOT EXISTS (SELECT FROM ops.alerts_message m WHERE m.alert_id = ops.alerts_alert.id)"
OVER = "(SELECT a.resolved_at FROM ops.alerts_alert a WHERE a.id = alert_id)"

KEPT: tuple[Kept, ...] = (
    Kept("audit entries", RETENTION_DAYS, expire_audit),
    Kept("sessions past their end", 0, deleting("ops.django_session", "expire_date")),
    Kept("what is known of past sessions", 30, deleting("ops.usersessions_usersession", "last_seen_at")),
    Kept("change requests", 400, deleting("ops.approvals_changerequest", "expires_at")),
    Kept("used and expired links", 30, deleting("ops.access_onetimelink", "expires_at")),
    Kept("queued changes that ended", 90, deleting("ops.pending_changes_pendingchange", "ended_at")),
    Kept("API tokens past their end", 400, deleting("ops.access_apitoken", "expires_at")),
    Kept("calls to providers by the minute", 30, deleting("ops.telemetry_providerminute", "minute_at")),
    Kept("breakers' transitions", 90, deleting("ops.breakers_transition", "at")),
    Kept("what gone processes saw of breakers", 1, deleting("ops.breakers_report", "reported_at", SILENT)),
    # A lost process that was not replaced stays until an operator removes it.
    Kept("processes that were replaced", 1, deleting("ops.contract_instance", "seen_at", REPLACED)),
    Kept("processes that ended", 30, deleting("ops.contract_instance", "seen_at", "ended_as = 'closed'")),
    Kept("refusals of quotas", 7, deleting("ops.quotas_refusal", "at")),
    Kept("reservations that ran out", 1, deleting("ops.quotas_reservation", "expires_at")),
    Kept("messages about alerts", 90, deleting("ops.alerts_message", OVER)),
    Kept("alerts that are over", 90, deleting("ops.alerts_alert", "resolved_at", MESSAGELESS)),
    Kept("outcomes of actions on operations", 90, deleting("ops.operations_outcome", ENDED)),
    Kept("commands that were given", 90, deleting("ops.operations_command", ENDED, "state <> 'queued'")),
    Kept("mails to users whose operations failed", 90, deleting("ops.operations_usernotice", ENDED)),
    Kept("runs of the sweep", 90, deleting("ops.sweep_run", "started_at")),
    Kept("ids that actions meant", 90, deleting("ops.operations_chunk", ENDED)),
    Kept("actions on operations", 90, deleting("ops.operations_action", "finished_at", CHILDLESS)),
    Kept("marks of operations", 400, deleting("ops.operations_operationmark", LAST_NEWS)),
    Kept("how often flags were asked for", 90, deleting("ops.flags_usage", "hour")),
    Kept("names that were asked for", 90, deleting("ops.flags_evaluationspan", "greatest(on_until, off_until)")),
    Kept("who was seen by backends", 7, deleting("ops.flags_presence", "seen_at")),
    Kept("tracked operations that ended", 90, deleting("ops.operations_trackedoperation", "finished_at")),
    Kept("events of tracked operations", 90, deleting("ops.operations_trackedevent", "at")),
    Kept("hourly peaks of quotas", 7, deleting("ops.quotas_peak", "hour")),
    Kept("recounts of storage", 30, deleting("ops.quotas_recount", "requested_at")),
    Kept("quotas decided without the database", 30, deleting("ops.quotas_failure", "hour")),
)


def expire_all() -> dict[str, int]:
    """Keep every row of the table; one that fails does not stop the others, and fails the run at its end."""
    expired, failures = {}, []
    for kept in KEPT:
        try:
            expired[kept.what] = kept.expire(timedelta(days=kept.days))
        except Exception as error:  # whatever an app's row raises
            logger.exception("Retention of %s failed", kept.what)
            failures.append(error)
    logger.info("Retention: %s", expired)
    if failures:
        raise ExceptionGroup("Some rows were not expired", failures)
    return expired
