"""What an action would do, in numbers, before it is done: counted by the same rules as the release itself."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from incidents.operations.models import Verb
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.sources import CannotRetry, Source, source_of
from incidents.operations.sources.schema import LiveTable
from incidents.operations.verbs import RULES, allowed_statuses, needed_columns, says_why_status_not


@dataclass(frozen=True)
class Preview:
    """`exclusions` are reasons with how many operations each keeps out, `statuses` how many are in each; the commonest
    first. `users` is of how many people they are.
    """

    total: int
    eligible: int
    exclusions: list[tuple[str, int]]
    oldest: datetime | None
    users: int = 0
    statuses: list[tuple[str, int]] = field(default_factory=list)

    @property
    def excluded(self) -> int:
        return self.total - self.eligible


def preview(scope: Scope, verb: str, most: int | None = None) -> Preview:
    """Count a scope, or its first `most` rows. Raises SourceUnavailable."""
    source = source_of(scope.kind)
    live = source.live()
    why: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    users: set[str | None] = set()
    oldest: datetime | None = None
    # A payload is read where one is to be made; a million rows are counted without.
    details = RULES[Verb(verb)].command == "retry" or bool(needed_columns(source, verb))
    for row in islice(chain.from_iterable(scan(scope, details=details)), most):
        statuses[row["status"]] += 1
        users.add(row["owner_id"])
        oldest = min(oldest or row["since"], row["since"])
        why.update(filter(None, [why_ineligible(source, live, verb, row)]))
    total = statuses.total()
    eligible = total - why.total()
    return Preview(total, eligible, why.most_common(), oldest, len(users - {None}), statuses.most_common())


def why_ineligible(source: Source, live: LiveTable, verb: str, row: Mapping[str, Any]) -> str:
    """Why this row cannot be acted on so; "" if it can. Every refusal names the field or status."""
    if reason := why_verb_not(source, live, verb):
        return reason
    allowed = allowed_statuses(source, live, verb)
    if source.status_word(row["status"] or "") not in allowed:
        return says_why_status_not(row["status"], allowed, verb)
    for column in needed_columns(source, verb):
        if column in row and row[column] is None:
            return f"{column} is missing."
    if RULES[Verb(verb)].command == "retry":
        try:
            source.storable_payload(row)
        except CannotRetry as refusal:
            return refusal.message
    return ""


def why_verb_not(source: Source, live: LiveTable, verb: str) -> str:
    """Why no operation of this source can be acted on so here; "" if some can."""
    if verb == Verb.RESOLVE and not source.done_status:
        return f"Only its backend can say that a {source.label} is done."
    if verb == Verb.FREE and not source.resource_columns:
        return f"A {source.label} leaves nothing behind that could be freed."
    if verb == Verb.RELEASE and not source.waiting:
        return f"A {source.label} never waits."
    return source.why_not({Verb.RELEASE: "retry", Verb.SNOOZE: "list"}.get(Verb(verb), verb), live)
