"""One lock for what crosses rows: a flag's prerequisites and segments, checked by one change at a time."""

from django.db import connection


def hold_references() -> None:
    """Until the transaction ends, nobody else changes what flags refer to. Taken before any row is locked.

    Two edits that each close half of a circle, or name a segment that is just being deleted, meet here.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ops.flags.references'))")
