"""Applies the contract's SQL after every migrate: idempotent, in name order, in one transaction."""

from functools import cache

from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from ops_console.contract.grants import parts, renew_grants
from ops_console.runtime.bounded_connection import without_bound


def apply_contract(using: str = "default") -> None:
    """Bring views, functions and triggers to what the files say, and renew the grants of known roles.

    Creating a trigger takes a short lock on its table; rather than queue behind a long transaction, and make
    everybody else queue behind us, give up after a moment: migrate can be run again.
    """
    database = connections[using]
    with without_bound(database), transaction.atomic(using=using), database.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0")
        # Two migrates at once would replace the same functions under each other.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ops.contract'))")
        for part in parts():
            cursor.execute(part.read_text())
        renew_grants(using)


def unapplied_migrations(using: str = "default") -> list[str]:
    """Migrations that the code has and the database has not, as `app.name`."""
    applied = MigrationRecorder(connections[using]).applied_migrations()
    return [f"{app_label}.{name}" for app_label, name in _migrations() if (app_label, name) not in applied]


@cache
def _migrations() -> list[tuple[str, str]]:
    """Every migration of the code, each after those it depends on. A process reads its files once."""
    graph = MigrationLoader(None).graph
    return list(dict.fromkeys(key for leaf in graph.leaf_nodes() for key in graph.forwards_plan(leaf)))
