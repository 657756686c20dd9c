"""Counts that stop somewhere: nobody waits for the exact one of a million."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql

from incidents.operations.branches import Branch, branches
from incidents.operations.guard import COUNT_MS, TooSlow, limited, rows
from incidents.operations.scope import EVIDENCE, Scope
from incidents.operations.sources import STATES
from incidents.operations.sources.states import FROM_MARKS, was_alive

# A count that would go on is shown as "10,000+"; on the other tabs, and where each row is looked up, as "1,000+".
CAP = 10_000
TAB_CAP = 1_000
# For one count more after all have taken too long together.
ALONE_MS = 500


@dataclass(frozen=True)
class Count:
    """A number of rows, `capped` where there are more, and when the database was asked. None: not found in time."""

    number: int | None
    capped: bool
    checked_at: datetime | None

    @property
    def text(self) -> str:
        if self.number is None:
            return "?"
        return f"{self.number:,}{'+' if self.capped else ''}"


_UNKNOWN = Count(None, False, None)


def counts(scope: Scope) -> dict[str, Count]:
    """How many rows each state has under the scope's filters, in one statement. Raises SourceUnavailable.

    Where the scope's own state is stuck, "dead" and "suspected" are counted beside it, whichever of them it asks for.
    Where all together take too long, the scope's own state is asked for alone: without it nothing can be chosen whole.
    """
    full = {scope.state} - FROM_MARKS
    caps = {state: CAP if state in full else min(TAB_CAP, CAP) for state in STATES}
    within = branches(scope.kind)
    wanted = {state: sum_of(within, scope.in_state(state), cap) for state, cap in caps.items()}
    if scope.state == "stuck":
        wanted["evidence"] = _evidence_of(within, scope)
    found = _asked(wanted, COUNT_MS) or _asked({scope.state: wanted[scope.state]}, ALONE_MS)
    by_evidence = _by_evidence(found) if scope.state == "stuck" else {}
    return {state: _capped(found, state, cap) for state, cap in caps.items()} | by_evidence


def count(scope: Scope, cap: int | None = None) -> Count:
    """How many rows a scope has, up to `cap`, else up to CAP. Raises SourceUnavailable."""
    limit = cap or CAP
    return _capped(_asked({"n": sum_of(branches(scope.kind), scope, limit)}, COUNT_MS), "n", limit)


def stuck_count() -> Count:
    """How many operations of all kinds are stuck. Kinds that this database lacks count nothing."""
    return count(Scope(kind=""))


def _asked(wanted: dict[str, sql.Composable], milliseconds: int) -> dict[str, Any]:
    """What was asked for by name, and "at", when; nothing where it took too long."""
    selects = [sql.SQL("{} AS {}").format(expression, sql.Identifier(name)) for name, expression in wanted.items()]
    try:
        with limited(milliseconds, "The count"):
            (found,) = rows(sql.SQL("SELECT now() AS at, {}").format(sql.SQL(", ").join(selects)), comes_again=True)
    except TooSlow:
        return {}
    return found


def _capped(found: dict[str, Any], name: str, cap: int) -> Count:
    return Count(min(found[name], cap), found[name] > cap, found["at"]) if name in found else _UNKNOWN


def sum_of(within: list[Branch], scope: Scope, cap: int) -> sql.Composable:
    """The number of a scope's rows, more than `cap` where a source has more."""
    counted = [
        sql.SQL("(SELECT count(*) FROM ({} LIMIT {}) AS counted)").format(
            sql.SQL("SELECT 1 FROM ({}) AS found").format(branch.some(scope, cap + 1)), sql.Literal(cap + 1)
        )
        for branch in within
    ]
    return sql.SQL("({})").format(sql.SQL(" + ").join(counted))


def _evidence_of(within: list[Branch], scope: Scope) -> sql.Composable:
    """How many of the first stuck rows are dead and suspected, and of how many at most: TAB_CAP + 1 of each source.

    Not up to TAB_CAP of each evidence: where a million rows are suspected, all would be read in search of a dead one.
    """
    looked = [
        sql.SQL("SELECT count(*) AS looked, count(*) FILTER (WHERE alive) AS dead FROM ({}) AS stuck").format(
            branch.some(
                replace(scope, evidence=""), TAB_CAP + 1, sql.SQL("{} AS alive").format(was_alive(branch.parts))
            )
        )
        for branch in within
    ]
    return sql.SQL("(SELECT ARRAY[sum(s.dead), sum(s.looked - s.dead), max(s.looked)]::int[] FROM ({}) AS s)").format(
        sql.SQL(" UNION ALL ").join(looked)
    )


def _by_evidence(found: dict[str, Any]) -> dict[str, Count]:
    if "evidence" not in found:
        return dict.fromkeys(EVIDENCE, _UNKNOWN)
    *numbers, most = found["evidence"]
    return {
        evidence: Count(min(number, TAB_CAP), most > TAB_CAP, found["at"])
        for evidence, number in zip(EVIDENCE, numbers, strict=True)
    }
