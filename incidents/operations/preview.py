"""What an action would do, in numbers, before it is done: by the rule that the release applies too."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from incidents.operations import eligibility
from incidents.operations.counting import count
from incidents.operations.eligibility import require_verb
from incidents.operations.models import Verb
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from incidents.operations.verbs import RULES

# A person waits: so many are looked at one by one, and so many counted.
MOST_JUDGED = 10_000
MOST_COUNTED = 10_000_000
Row = dict[str, Any]


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
    """Count a scope within seconds, or its first rows of which `most` can be acted on.

    Raises InvalidInput where `start` would refuse the verb for the whole kind, and SourceUnavailable.
    """
    require_verb(scope.kind, verb)
    why: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    users: set[str | None] = set()
    oldest: datetime | None = None
    enough = most or MOST_JUDGED
    for row, reason in islice(judged(scope, verb, most), MOST_JUDGED):
        statuses[row["status"] or "none"] += 1
        users.add(row["owner_id"])
        oldest = min(oldest or row["since"], row["since"])
        why.update(filter(None, [reason]))
        if statuses.total() - why.total() == enough:
            break
    looked_at = statuses.total()
    eligible, people = looked_at - why.total(), len(users - {None})
    total, is_more = (looked_at, False) if eligible == most else _total(scope, looked_at, most or MOST_COUNTED)
    return Preview(total, eligible, why.most_common(), oldest, people, statuses.most_common(), looked_at, is_more)


def judged(scope: Scope, verb: str, most: int | None = None) -> Iterator[tuple[Row, str]]:
    """Every row of a scope in its list's order, read as far as it is asked for, with why it cannot be acted on (""
    if it can).

    `most` is how many the action is for: of one alone, no quarantine keeps it out.
    """
    source = source_of(scope.kind)
    # A payload is read where one is to be made; a million rows are counted without.
    details = RULES[Verb(verb)].hands_over
    count_of_first = len(next(scan(scope), [])) if verb == Verb.RETRY and most != 1 else 2
    many = most != 1 and count_of_first > 1
    said = partial(eligibility.reason, verb=verb, many=many, seen_at=eligibility.seen_at(scope))
    for rows in scan(scope, details, said):
        for row in rows:
            yield row, eligibility.why_not(source, verb, row, row["reason"])


def _total(scope: Scope, looked_at: int, most: int) -> tuple[int, bool]:
    """How many there are, `most` at most, and whether there are more than that many because counting took too long."""
    if looked_at < MOST_JUDGED:
        return looked_at, False
    found = count(scope, most)
    if found.number is None:
        return looked_at, True
    return max(found.number, looked_at), found.capped and most == MOST_COUNTED
