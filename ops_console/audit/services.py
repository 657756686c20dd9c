"""Writing audit entries. Every service calls `record` in the transaction of its change."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

from ops_client.text import is_storable
from ops_console.access.actor import Actor
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput

LONGEST_REASON = 2_000


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


def _plain(values: dict[str, Any] | None) -> Any:
    """Dates, decimals and ids as the JSON that the column keeps."""
    return None if values is None else json.loads(json.dumps(values, cls=DjangoJSONEncoder))
