"""Operations as a page shows them: with their user and with the evidence for what is said of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from incidents.operations.models import TrackedOperation, Verb
from incidents.operations.operation import Operation, operation_of, state_of, verdict_of
from incidents.operations.progress import mark
from incidents.operations.queries import Detail, scan, why_not
from incidents.operations.scope import Scope
from incidents.operations.sources import CannotRetry, Source, TrackedSource, source_of
from incidents.operations.sources.text import pretty
from ops_console import directory
from ops_console.directory import DirectoryUnavailable, Person
from ops_console.web.formatting import duration
from ops_console.web.keyset import FIRST_BATCH

CSV_HEADER = ("id", "kind", "user_id", "user", "title", "status", "since", "evidence")


@dataclass(frozen=True)
class Shown:
    """One line of the list. `verdict` is a status word; `evidence` says what it rests on."""

    operation: Operation
    person: Person | None
    verdict: str
    evidence: str
    source: Source

    @property
    def key(self) -> str:
        """How a list that holds several kinds names it."""
        return f"{self.operation.kind}/{self.operation.operation_id}"


def shown(operations: Sequence[Operation], now: datetime | None = None) -> list[Shown]:
    """Lines of the list; one query for all their users."""
    people = _people(operations)
    moment = now or timezone.now()
    return [_shown(operation, people.get(operation.owner_id or ""), moment) for operation in operations]


def csv_rows(scope: Scope) -> Iterator[tuple[Any, ...]]:
    """All that the list's scope holds, page by page."""
    for rows in scan(scope, first_size=FIRST_BATCH):
        for line in shown([operation_of(row) for row in rows]):
            one, person = line.operation, line.person
            mail = person.email if person else ""
            yield one.operation_id, one.kind, one.owner_id, mail, one.title, one.status, one.since, line.evidence


def page_facts(found: Detail) -> dict[str, Any]:
    """What the page of one operation says beside the line of the list."""
    source, operation = source_of(found.operation.kind), found.operation
    text, is_json = pretty(found.row["meta"])
    (line,) = shown([operation])
    kept = mark(operation.kind, operation.operation_id)
    return {
        "source": source,
        "shown": line,
        "mark": kept,
        "is_snoozed": bool(kept and kept.snoozed_until and kept.snoozed_until > timezone.now()),
        "meta": text,
        "meta_is_json": is_json,
        "retry_not": why_not(found, "retry"),
        "more": _more_verbs(found),
        "fail_not": why_not(found, "fail"),
        "payload": (payload := _payload(source, found.row)),
        "payload_lines": [(name, _as_json(value)) for name, value in payload],
        "tracked": tracked(operation),
        "percent": None if operation.progress_rate is None else round(operation.progress_rate * 100),
        # Who acts on slow work knows that it is alive.
        "acts_in": "slow" if line.verdict == "slow" else "any",
    }


def tracked(operation: Operation) -> TrackedOperation | None:
    """What a backend told of it beyond what every source tells: progress, resources, error."""
    if not isinstance(source_of(operation.kind), TrackedSource):
        return None
    return TrackedOperation.objects.filter(pk=operation.operation_id).first()


_MORE = (
    (Verb.RELEASE, "Release", "play"),
    (Verb.SNOOZE, "Snooze", "clock"),
    (Verb.RESOLVE, "Mark resolved", "check"),
    (Verb.FREE, "Free resources", "archive-box-x-mark"),
)


def _more_verbs(found: Detail) -> list[tuple[str, str, str]]:
    """What else can be done with it: verb, label, icon."""
    return [(verb.value, label, icon) for verb, label, icon in _MORE if not why_not(found, verb)]


def _payload(source: Source, row: dict[str, Any]) -> list[tuple[str, Any]]:
    try:
        return [(name, value) for name, value in source.storable_payload(row).items() if value is not None]
    except CannotRetry:
        return []


def _as_json(value: Any) -> str:
    """As the backend gets it, text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _people(operations: Sequence[Operation]) -> dict[str, Person]:
    # A list without names is better than none.
    try:
        return directory.get_many(operation.owner_id for operation in operations if operation.owner_id)
    except DirectoryUnavailable:
        return {}


def _shown(operation: Operation, person: Person | None, now: datetime) -> Shown:
    source = source_of(operation.kind)
    state = state_of(source, operation, now)
    evidence = _evidence(source, operation, state, now)
    return Shown(operation, person, verdict_of(source, operation, state), evidence, source)


def _evidence(source: Source, operation: Operation, state: str, now: datetime) -> str:
    if state == "slow":
        return _slow(source, operation, now)
    if state in ("stuck", "in_progress"):
        return _news(source, operation, now)
    return f"status {source.status_word(operation.status or '')}"


def _slow(source: Source, operation: Operation, now: datetime) -> str:
    alive = f"alive: heartbeat {_before(operation.heartbeat_at or now, now)}"
    if operation.expected_at is not None:
        return f"{alive}; was expected {_before(operation.expected_at, now)}"
    usual = duration(source.slow_after_seconds or 0)
    return f"{alive}; {source.age_column} {_before(operation.age_at, now)}, usually within {usual}"


def _news(source: Source, operation: Operation, now: datetime) -> str:
    limit = f"limit {duration(source.stuck_after_seconds)}"
    if operation.heartbeat_at == operation.since:
        return f"last heartbeat {_before(operation.since, now)}; {limit}"
    news = "no heartbeat" if operation.heartbeat_at is None else f"heartbeat {_before(operation.heartbeat_at, now)}"
    if operation.last_command_at == operation.since:
        return f"{news}; last command {_before(operation.since, now)}, {limit}"
    return f"{news}; {source.age_column} {_before(operation.age_at, now)}, {limit}"


def _before(moment: datetime, now: datetime) -> str:
    return f"{duration(max((now - moment).total_seconds(), 0))} ago"
