"""Writing audit entries. Every service calls `record` in the transaction of its change."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.models.functions import Now

from ops_client.text import is_storable
from ops_console.access.actor import SYSTEM, Actor
from ops_console.audit.models import Entry, Tally
from ops_console.errors import InvalidInput

LONGEST_REASON = 2_000
MOST_A_MINUTE = 5
# In one run; the others wait for the next.
_MOST_LEFT_OUT = 1_000


@dataclass(frozen=True)
class Target:
    """What was changed: its type (`flag`), its id, and the label people know it by."""

    type: str
    id: str
    label: str

    @property
    def key(self) -> tuple[str, str]:
        """What entries are found by."""
        return self.type, self.id


def snapshot(row: models.Model, fields: Iterable[str]) -> dict[str, Any]:
    """The named fields of a row as they go into an entry."""
    return {field: getattr(row, field) for field in fields}


def check_reason(reason: str) -> None:
    """Raise InvalidInput for a reason that an entry cannot keep."""
    if len(reason) > LONGEST_REASON or not is_storable(reason):
        raise InvalidInput("reason", f"A reason is text of at most {LONGEST_REASON:,} characters.")


def record(
    actor: Actor,
    action: str,
    target: Target,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> Entry:
    """Write one entry. Must run inside the transaction of the change that it describes.

    The database's own trigger records each changed row whose type and id are those of no entry of its transaction.
    Raises InvalidInput for a reason that cannot be kept.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("audit.record() outside a transaction: the change and its entry must commit together")
    check_reason(reason)
    return Entry.objects.create(
        actor_id=actor.user_id,
        actor=actor.name,
        via=actor.via,
        credential=actor.credential[:100],
        address=actor.address,
        request_id=actor.request_id,
        action=action,
        target_type=target.type,
        target_id=target.id,
        target_label=target.label[:300],
        reason=reason,
        before=_plain(before),
        after=_plain(after),
    )


def record_bounded(actor: Actor, action: str, target: Target, whose: str, after: dict[str, Any] | None = None) -> None:
    """Write an entry of what happened, in its own transaction; at most MOST_A_MINUTE of an action and `whose` a minute.

    Anybody can fail to sign in as often as the throttle lets them. What is left out is counted; `record_left_out` says
    how many those were.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO ops.audit_tally AS t
                    (key, minute, written, left_out, action, target_type, target_id, target_label)
                VALUES (%s, date_trunc('minute', now()), 1, 0, %s, %s, %s, %s)
                ON CONFLICT (key) DO UPDATE SET
                    minute = greatest(t.minute, excluded.minute),
                    written = CASE WHEN t.minute < excluded.minute THEN 1 ELSE t.written + 1 END,
                    left_out = t.left_out + (t.minute >= excluded.minute AND t.written >= %s)::int
                RETURNING written
                """,
                [f"{action}:{whose}", action, target.type, target.id, target.label[:300], MOST_A_MINUTE],
            )
            (written,) = cursor.fetchone()
        if written <= MOST_A_MINUTE:
            record(actor, action, target, after=after)


def record_export(actor: Actor, name: str, filtered: str) -> None:
    """Somebody took a list out of the console as a file."""
    target = Target("export", name[:200], name)
    record_bounded(actor, "export.download", target, actor.name, {"filter": filtered[:500]})


def record_left_out() -> None:
    """Every minute: an entry for each thing that happened more often than it was recorded."""
    with transaction.atomic():
        due = Tally.objects.select_for_update(skip_locked=True).filter(left_out__gt=0)
        for tally in due.order_by("key")[:_MOST_LEFT_OUT]:
            target = Target(tally.target_type, tally.target_id, tally.target_label)
            record(SYSTEM, tally.action, target, after={"left_out": tally.left_out})
            Tally.objects.filter(pk=tally.pk).update(left_out=0)
    Tally.objects.filter(left_out=0, minute__lt=Now() - timedelta(days=1)).delete()


def _plain(values: dict[str, Any] | None) -> Any:
    """Dates, decimals and ids as the JSON that the column keeps."""
    return None if values is None else json.loads(json.dumps(values, cls=DjangoJSONEncoder))
