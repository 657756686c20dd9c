"""Audit entries as no client can write them: with a time of their own. Needs the superuser that tests run as."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from ops_console.audit.models import Entry


@contextmanager
def without_triggers() -> Iterator[None]:
    """Rows written here meet no trigger: entries keep the time that they are given, and are queued for no seal."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def past_entry(**values: Any) -> Entry:
    """An entry of another time, queued for its seal as the others are."""
    given = {"actor": "a", "via": "web", "action": "x", "target_type": "t", "target_id": "1", "target_label": ""}
    with without_triggers():
        entry = Entry.objects.create(**{**given, **values})
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO ops.audit_unsealed (entry_id) VALUES (%s)", [entry.pk])
    return entry
