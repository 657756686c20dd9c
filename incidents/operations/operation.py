"""An operation as an operator sees it, and which state it is in."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from incidents.operations.sources import Source


@dataclass(frozen=True)
class Operation:
    """A row of a source. `since` is what stuck is counted from: the latest of the three times before it."""

    kind: str
    operation_id: str
    owner_id: str | None
    title: str
    status: str | None
    age_at: datetime
    last_command_at: datetime | None
    heartbeat_at: datetime | None
    version: int
    attempts: int
    since: datetime
    worker: str = ""
    progress_rate: float | None = None
    progress_note: str = ""
    expected_at: datetime | None = None
    error: str = ""
    error_group: str = ""


_FIELDS = frozenset(field.name for field in fields(Operation))


def operation_of(row: dict[str, Any]) -> Operation:
    """The part of a row that an operator sees."""
    return Operation(**{name: value for name, value in row.items() if name in _FIELDS})


def state_of(source: Source, operation: Operation, now: datetime) -> str:
    """Which tab the operation is under; "" for none of them."""
    word = source.status_word(operation.status or "")
    if word in source.stuck_statuses and (now - operation.since).total_seconds() > source.stuck_after_seconds:
        return "stuck"
    if word in source.in_progress:
        return "slow" if _is_slow(source, operation, now) else "in_progress"
    return "failed" if word in source.failed else "waiting" if word in source.waiting else ""


def verdict_of(source: Source, operation: Operation, state: str) -> str:
    """The word for it: stuck is dead where there were signs of life, and suspected where there never was one."""
    if state == "stuck":
        return "suspected" if operation.heartbeat_at is None else "dead"
    return {"in_progress": "running"}.get(state, state or operation.status or "unknown")


def _is_slow(source: Source, operation: Operation, now: datetime) -> bool:
    if operation.expected_at is not None:
        return operation.expected_at < now
    if source.slow_after_seconds is None or operation.heartbeat_at is None:
        return False
    return operation.age_at < now - timedelta(seconds=source.slow_after_seconds)
