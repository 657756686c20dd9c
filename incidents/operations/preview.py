"""What an action would do, in numbers, before it is done: by the rule that the release applies too."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from psycopg import sql

from incidents.operations import eligibility
from incidents.operations.branches import branches
from incidents.operations.counting import sum_of
from incidents.operations.eligibility import require_verb
from incidents.operations.models import Verb
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from incidents.operations.sources.sql import SourceSql
from incidents.operations.verbs import RULES

# So many are looked at one by one, in one read, and so many counted: where a person waits, and for a program.
MOST_JUDGED, MOST_JUDGED_FOR_PROGRAMS = 1_000, 10_000
MOST_COUNTED = 500_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Preview:
    """`exclusions` are reasons with how many operations each keeps out, `statuses` how many are in each; the commonest
    first. `users` is of how many people they are.

    Of very many, only the first `judged` are looked at one by one: all but `total` is of these. `is_more` says that
    there are more than `total`, where counting stopped.
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


def preview(scope: Scope, verb: str, most: int | None = None, most_judged: int | None = None) -> Preview:
    """Count a scope within seconds, or its first rows of which `most` can be acted on: in one statement.

    The first `most_judged` rows (MOST_JUDGED unless told) are looked at one by one.

    Raises InvalidInput where `start` would refuse the verb for the whole kind, and SourceUnavailable.
    """
    require_verb(scope.kind, verb)
    most_judged = most_judged or MOST_JUDGED
    why: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    users: set[str | None] = set()
    oldest: datetime | None = None
    enough, bound, total = most or most_judged, most or MOST_COUNTED, 0
    for row, reason in islice(judged(scope, verb, most, bound, most_judged), most_judged):
        total = row["total"]
        statuses[row["status"] or "none"] += 1
        users.add(row["owner_id"])
        oldest = min(oldest or row["since"], row["since"])
        why.update(filter(None, [reason]))
        if statuses.total() - why.total() == enough:
            break
    looked_at = statuses.total()
    eligible, people = looked_at - why.total(), len(users - {None})
    # What came meanwhile is not left out; of `most`, those that cannot be acted on are none.
    total = looked_at if looked_at < most_judged or eligible == most else max(total, looked_at)
    is_more = most is None and total > bound
    return Preview(
        min(total, max(bound, looked_at)),
        eligible,
        why.most_common(),
        oldest,
        people,
        statuses.most_common(),
        looked_at,
        is_more,
    )


def judged(
    scope: Scope,
    verb: str,
    most: int | None = None,
    counted_to: int | None = None,
    rows_in_one_read: int | None = None,
) -> Iterator[tuple[Row, str]]:
    """Every row of a scope in its list's order, read as far as it is asked for, with why it cannot be acted on (""
    if it can).

    `most` is how many the action is for: of one alone, no quarantine keeps it out. With `counted_to`, each row has the
    `total` of the scope, more than that where there are more.
    """
    source = source_of(scope.kind)
    # A payload is read where one is to be made; a million rows are counted without.
    details = RULES[Verb(verb)].hands_over

    def read(many: bool) -> Iterator[list[Row]]:
        def verdict(parts: SourceSql) -> sql.Composable:
            reason = eligibility.reason(parts, verb, many=many, seen_at=eligibility.seen_at(scope))
            # Not said of a row: the database counts once for the whole statement.
            total = sum_of(branches(scope.kind), scope, counted_to) if counted_to else sql.SQL("NULL")
            return sql.SQL("{} AS reason, {} AS total").format(reason, total)

        return scan(scope, details, verdict, rows_in_one_read)

    pages = read(many=most != 1)
    first = next(pages, [])
    if verb == Verb.RETRY and most != 1 and len(first) == 1:
        pages, first = iter(()), next(read(many=False), [])
    for rows in chain([first], pages):
        for row in rows:
            yield row, eligibility.why_not(source, verb, row, row["reason"])
