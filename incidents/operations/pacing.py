"""How much of an action may be released now: its rate, and the breakers of what its retries call."""

import random
from dataclasses import dataclass

from django.utils import timezone

from incidents.breakers.queries import open_breakers
from incidents.operations.models import Action, Verb
from incidents.operations.sources import source_of
from incidents.operations.verbs import RULES

# A rate is kept over this long at most: what was missed while nobody released is not made up for.
BURST_SECONDS = 5.0


@dataclass(frozen=True)
class Pace:
    """`allowed` operations now; `goes_on` at once after them; else `waits_for` says what is waited for."""

    allowed: int
    goes_on: bool
    waits_for: str = ""


def pace_of(action: Action) -> Pace:
    """What the action may do now. Raises NotFound for a kind that is gone."""
    source = source_of(action.kind)
    needed = source.providers if RULES[Verb(action.verb)].hands_over else ()
    if needed and (unwell := open_breakers(needed)):
        return Pace(0, False, f"Waits for the breaker of {', '.join(unwell)} to close.")
    if action.rate_per_second is None:
        return Pace(2**31, True)
    return Pace(_due(action.rate_per_second, action), False)


def _due(rate_per_second: float, action: Action) -> int:
    """What the time since the last slice has earned, a little more or less, so that no two actions go in step."""
    since = action.paced_at or action.started_at
    seconds = BURST_SECONDS if since is None else min((timezone.now() - since).total_seconds(), BURST_SECONDS)
    if action.paced_at is None:
        return max(1, round(rate_per_second))
    return int(rate_per_second * seconds * random.uniform(0.85, 1.0))  # noqa: S311 - spreads load
