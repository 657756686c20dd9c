"""What an action would do, in numbers, before it is done: counted by the same rules as the release itself."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incidents.operations.models import Verb
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.sources import CannotRetry, Source, source_of
from incidents.operations.sources.schema import LiveTable


@dataclass(frozen=True)
class Preview:
    """`exclusions` are reasons with how many operations each keeps out, the commonest first."""

    total: int
    eligible: int
    exclusions: list[tuple[str, int]]
    oldest: datetime | None

    @property
    def excluded(self) -> int:
        return self.total - self.eligible


def preview(scope: Scope, verb: str) -> Preview:
    """Count a scope. Raises SourceUnavailable."""
    source = source_of(scope.kind)
    live = source.live()
    why: Counter[str] = Counter()
    total, oldest = 0, None
    for rows in scan(scope, details=True):
        total += len(rows)
        oldest = min([row["since"] for row in rows] + ([oldest] if oldest else []))
        why.update(filter(None, (why_ineligible(source, live, verb, row) for row in rows)))
    return Preview(total, total - sum(why.values()), why.most_common(), oldest)


def why_ineligible(source: Source, live: LiveTable, verb: str, row: Mapping[str, Any]) -> str:
    """Why this row cannot be retried or failed; "" if it can. Every refusal names the field or status."""
    if reason := source.why_not(verb, live):
        return reason
    allowed = source.retryable_statuses() if verb == Verb.RETRY else source.failable_statuses()
    if row["status"] not in allowed:
        return f"Status {row['status']}: only {', '.join(allowed)} can be {'retried' if verb == 'retry' else 'failed'}."
    if verb == Verb.RETRY:
        try:
            source.storable_payload(row)
        except CannotRetry as refusal:
            return refusal.message
    return ""
