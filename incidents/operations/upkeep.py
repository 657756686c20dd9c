"""After a large bulk the table holds as many dead rows as it moved: VACUUM, or the next list reads through them all.

By the role that uses the table where it may: the right MAINTAIN, which PostgreSQL has from 17 on, and which
`grant_console` asks for. Elsewhere the action says what the table's owner should run.
"""

import time
from collections.abc import Iterable

import structlog
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from incidents.operations.models import Action
from incidents.operations.sources import source_of
from ops_console import foreign
from ops_console.contract.grants import ForeignGrant
from ops_console.errors import NotFound
from ops_console.runtime.bounded_connection import without_bound
from ops_console.web.formatting import duration

log = structlog.get_logger(__name__)
LARGE = 50_000
# Where the console runs as their owner; elsewhere autovacuum's own pace is enough, since no list reads through them.
OWN = ("ops.operations_operationmark", "ops.operations_chunk", "ops.operations_command")
# PostgreSQL before 17 knows no such right, and would refuse to be asked for it.
_OWNS = "SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c WHERE c.oid = to_regclass(%s)"
_MAINTAINS = "SELECT has_table_privilege(to_regclass(%s), 'MAINTAIN')"
MAINTAIN_SINCE = 170_000


def grants(tables: Iterable[str]) -> list[ForeignGrant]:
    """What the role of the backend's tables needs for it, where the server knows such a right."""
    if _server_version() < MAINTAIN_SINCE:
        return []
    return [ForeignGrant("MAINTAIN", table, ()) for table in tables]


def vacuum_after_large() -> int:
    """Look after the tables of large actions that are over; how many actions that was."""
    over = (Action.State.DONE, Action.State.CANCELLED)
    due = Action.objects.filter(state__in=over, total__gte=LARGE, upkeep="", started_at__isnull=False)
    actions = list(due.order_by("pk"))
    for action in actions:
        Action.objects.filter(pk=action.pk).update(upkeep=_look_after(action.kind))
    return len(actions)


def _look_after(kind: str) -> str:
    """What was done, in words. Must not run in a transaction."""
    try:
        table = source_of(kind).qualified_table
    except NotFound:
        return "The kind is gone."
    began_at = time.monotonic()
    is_ours = table.startswith("ops.")
    done = [_vacuum(table, DEFAULT_DB_ALIAS if is_ours else foreign.ALIAS), *(_vacuum(name) for name in OWN)]
    if not done[0]:
        return f"The console's roles may not look after the table. As its owner: VACUUM (ANALYZE) {table};"
    return f"VACUUM took {duration(time.monotonic() - began_at)}."


def _vacuum(table: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """False where the role may not, or it did not work."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if not _may(cursor, table):
            return False
        schema, name = table.replace('"', "").split(".")
        try:
            cursor.execute("SET statement_timeout = 0")
            with without_bound(connection):
                cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(schema, name)))
        except DatabaseError as error:
            log.warning("vacuum_failed", table=table, error=str(error))
            return False
        finally:
            cursor.execute("RESET statement_timeout")
    return True


def _may(cursor: CursorWrapper, table: str) -> bool:
    questions = [_OWNS, *([_MAINTAINS] if _server_version() >= MAINTAIN_SINCE else [])]
    for question in questions:
        cursor.execute(question, [table])
        if (cursor.fetchone() or (False,))[0]:
            return True
    return False


def _server_version() -> int:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0])
