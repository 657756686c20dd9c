"""Periodic tasks of quotas: expired overrides become history, idle rings are deleted, storage is measured."""

from celery import shared_task
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from quotas.models import ENDS_AT, Override
from quotas.storage_services import request_nightly

_IDLE_RINGS = """
DELETE FROM ops.quotas_ring
WHERE (newest + 42) * window_seconds / 20 < extract(epoch FROM clock_timestamp())
"""

# One revision a batch, which every backend process reads; what is left over waits for the next run, a minute later.
BATCH_ROWS = 1_000
MOST_BATCHES = 100


@shared_task
def end_overrides() -> int:
    """Move overrides that have run out to history; they have had no effect since their expiry."""
    ended = 0
    for _ in range(MOST_BATCHES):
        batch = _end_batch()
        ended += batch
        if batch < BATCH_ROWS:
            break
    return ended


@shared_task
def drop_idle_rings() -> int:
    """Rings whose window has passed twice hold nothing: a user who comes back starts a new one."""
    with connection.cursor() as cursor:
        cursor.execute(_IDLE_RINGS)
        return int(cursor.rowcount)


@shared_task
def recount_storage() -> int:
    """Nightly: have the backends measure what is really stored; what differs is shown, and corrected by an operator."""
    return request_nightly()


def _end_batch() -> int:
    """End some of them in a transaction of their own, so that nobody waits for a row longer than one batch takes."""
    with transaction.atomic():
        due = Override.objects.alias(ends_at=ENDS_AT).filter(ended_at=None, ends_at__lte=timezone.now())
        locked = due.order_by("ends_at", "id").select_for_update(skip_locked=True, no_key=True)
        ids = list(locked.values_list("id", flat=True)[:BATCH_ROWS])
        if ids:  # a statement that touches no row would still raise the revision
            Override.objects.filter(pk__in=ids).update(ended=Override.Ended.EXPIRED, ended_at=F("expires_at"))
    return len(ids)
