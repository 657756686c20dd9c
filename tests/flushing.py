"""Emptying the console's tables after a test that commits.

Django's own flush would meet the trigger that keeps audit entries, and would apply the contract anew each time.
"""

from typing import Any

from django.db import connection

# What migrations and the contract put there, and no test changes.
_KEPT = {"django_migrations", "django_content_type", "auth_permission", "config_change", "audit_retention"}


def empty_tables(*_: Any) -> None:
    """Empty every table of schema `ops` that a test may have filled. Needs the superuser that tests run as."""
    names = sorted(set(connection.introspection.table_names()) - _KEPT)
    tables = ", ".join(f'ops."{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SET session_replication_role = replica; TRUNCATE {tables} RESTART IDENTITY CASCADE;"
            " SET session_replication_role = DEFAULT"
        )
