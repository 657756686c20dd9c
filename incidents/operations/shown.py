"""Operations as a page shows them: with their user and with the evidence for what is said of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from incidents.operations.preview import why_ineligible
from incidents.operations.progress import mark
from incidents.operations.queries import Detail, Operation, operation_of, scan, state_of
from incidents.operations.scope import Scope
from incidents.operations.sources import CannotRetry, Source, source_of
from incidents.operations.sources.text import pretty
from ops_console import directory
from ops_console.directory import DirectoryUnavailable, Person
from ops_console.web.formatting import duration

CSV_HEADER = ("id", "kind", "user_id", "user", "title", "status", "since", "evidence")


@dataclass(frozen=True)
class Shown:
    """One line of the list. `verdict` is a status word; `evidence` says what it rests on."""

    operation: Operation
    person: Person | None
    verdict: str
    evidence: str


def shown(operations: Sequence[Operation], now: datetime | None = None) -> list[Shown]:
    """Lines of the list; one query for all their users."""
    people = _people(operations)
    moment = now or timezone.now()
    return [_shown(operation, people.get(operation.owner_id or ""), moment) for operation in operations]


def csv_rows(scope: Scope) -> Iterator[tuple[Any, ...]]:
    """All that the list's scope holds, page by page."""
    for rows in scan(scope):
        for line in shown([operation_of(scope.kind, row) for row in rows]):
            one, person = line.operation, line.person
            mail = person.email if person else ""
            yield one.operation_id, one.kind, one.owner_id, mail, one.title, one.status, one.since, line.evidence


def page_facts(found: Detail) -> dict[str, Any]:
    """What the page of one operation says beside the line of the list."""
    source, operation = source_of(found.operation.kind), found.operation
    text, is_json = pretty(found.row["meta"])
    return {
        "source": source,
        "shown": shown([operation])[0],
        "mark": mark(operation.kind, operation.operation_id),
        "meta": text,
        "meta_is_json": is_json,
        "retry_not": why_ineligible(source, source.live(), "retry", found.row),
        "fail_not": why_ineligible(source, source.live(), "fail", found.row),
        "payload": _payload(source, found.row),
    }


def _payload(source: Source, row: dict[str, Any]) -> list[tuple[str, Any]]:
    try:
        return [(name, value) for name, value in source.storable_payload(row).items() if value is not None]
    except CannotRetry:
        return []


def _people(operations: Sequence[Operation]) -> dict[str, Person]:
    # A list without names is better than none.
    try:
        return directory.get_many(operation.owner_id for operation in operations if operation.owner_id)
    except DirectoryUnavailable:
        return {}


def _shown(operation: Operation, person: Person | None, now: datetime) -> Shown:
    source = source_of(operation.kind)
    state = state_of(source, operation, now)
    verdict = {"stuck": "suspected", "in_progress": "running"}.get(state, state or operation.status)
    evidence = _evidence(source, operation, now) if state in ("stuck", "in_progress") else f"status {operation.status}"
    return Shown(operation, person, verdict, evidence)


def _evidence(source: Source, operation: Operation, now: datetime) -> str:
    limit = f"limit {duration(source.stuck_after_seconds)}"
    if operation.heartbeat_at == operation.since:
        return f"last heartbeat {_before(operation.since, now)}; {limit}"
    news = "no heartbeat" if operation.heartbeat_at is None else f"heartbeat {_before(operation.heartbeat_at, now)}"
    if operation.last_command_at == operation.since:
        return f"{news}; last command {_before(operation.since, now)}, {limit}"
    return f"{news}; {source.age_column} {_before(operation.age_at, now)}, {limit}"


def _before(moment: datetime, now: datetime) -> str:
    return f"{duration(max((now - moment).total_seconds(), 0))} ago"
