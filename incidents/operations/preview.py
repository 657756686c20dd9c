"""What an action would do, in numbers, before it is done: counted by the same rules as the release itself."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from incidents.operations.counting import count
from incidents.operations.models import Verb
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.sources import CannotRetry, Source, source_of
from incidents.operations.sources.schema import LiveTable
from incidents.operations.verbs import RULES, allowed_statuses, needed_columns, says_why_status_not

# A person waits: so many are looked at one by one, and so many counted.
MOST_JUDGED = 10_000
MOST_COUNTED = 10_000_000


@dataclass(frozen=True)
class Preview:
    """`exclusions` are reasons with how many operations each keeps out, `statuses` how many are in each; the commonest
    first. `users` is of how many people they are.

    Of very many, only the first `judged` are looked at one by one: all but `total` is of these. `is_more` says that
    there are more than `total`, and that counting them took too long.
    """

    total: int
    eligible: int
    exclusions: list[tuple[str, int]]
    oldest: datetime | None
    users: int = 0
    statuses: list[tuple[str, int]] = field(default_factory=list)
    judged: int = 0
    is_more: bool = False

    @property
    def is_sample(self) -> bool:
        """Whether some were not looked at one by one."""
        return self.is_more or self.judged < self.total

    @property
    def total_text(self) -> str:
        return f"{'more than ' if self.is_more else ''}{self.total:,}"


def preview(scope: Scope, verb: str, most: int | None = None) -> Preview:
    """Count a scope, or its first `most` rows, within seconds. Raises SourceUnavailable."""
    source = source_of(scope.kind)
    live = source.live()
    why: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    users: set[str | None] = set()
    oldest: datetime | None = None
    # A payload is read where one is to be made; a million rows are counted without.
    details = RULES[Verb(verb)].hands_over or bool(needed_columns(source, verb))
    for row in islice(chain.from_iterable(scan(scope, details=details)), min(MOST_JUDGED, most or MOST_JUDGED)):
        statuses[row["status"]] += 1
        users.add(row["owner_id"])
        oldest = min(oldest or row["since"], row["since"])
        why.update(filter(None, [why_ineligible(source, live, verb, row)]))
    judged = statuses.total()
    total, is_more = _total(scope, judged, most or MOST_COUNTED)
    eligible, people = judged - why.total(), len(users - {None})
    return Preview(total, eligible, why.most_common(), oldest, people, statuses.most_common(), judged, is_more)


def _total(scope: Scope, judged: int, most: int) -> tuple[int, bool]:
    """How many there are, `most` at most, and whether there are more than that many because counting took too long."""
    if judged < MOST_JUDGED or judged == most:
        return judged, False
    found = count(scope, most)
    if found.number is None:
        return judged, True
    return max(found.number, judged), found.capped and most == MOST_COUNTED


def why_ineligible(source: Source, live: LiveTable, verb: str, row: Mapping[str, Any]) -> str:
    """Why this row cannot be acted on so; "" if it can. Every refusal names the field or status."""
    if reason := why_verb_not(source, live, verb):
        return reason
    allowed = allowed_statuses(source, live, verb)
    if (word := source.status_word(row["status"] or "")) not in allowed:
        return says_why_status_not(word, allowed, verb)
    for column in needed_columns(source, verb):
        if column in row and row[column] is None:
            return f"{column} is missing."
    if RULES[Verb(verb)].hands_over:
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
