"""What the console does every second so that no backend session holds it up."""

from django.db import connection


def fold_config_changes() -> None:
    """Sum up committed changes of the configuration, so that a poll reads few rows (contract/v1/10_revision.sql)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ops.fold_config_changes()")
