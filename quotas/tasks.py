"""What quotas need in the background: overrides that have run out become history; storage is measured."""

from celery import shared_task
from django.db import connection, transaction
from django.utils import timezone

from quotas.models import Override
from quotas.storage_services import request_nightly

_IDLE_RINGS = """
DELETE FROM ops.quotas_ring
WHERE (newest + 42) * window_seconds / 20 < extract(epoch FROM clock_timestamp())
"""


@shared_task
def end_overrides() -> int:
    """Move overrides that have run out to history; they have had no effect since their second."""
    with transaction.atomic():
        over = Override.objects.select_for_update(skip_locked=True).filter(
            ended_at=None, expires_at__lte=timezone.now()
        )
        rows = list(over)
        for override in rows:
            override.ended, override.ended_at = Override.Ended.EXPIRED, override.expires_at
        if rows:  # a statement that touches no row would raise the revision all the same
            _mark_expected()
            Override.objects.bulk_update(rows, ["ended", "ended_at"])
    return len(rows)


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


def _mark_expected() -> None:
    """Running out was part of the override when it was audited: no second entry by the table's trigger."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('ops.audited', 'on', true)")
