"""Counts that stop somewhere: nobody waits for the exact one of a million."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from incidents.operations.branches import Branch, branches
from incidents.operations.guard import COUNT_MS, TooSlow, limited, rows
from incidents.operations.scope import Scope
from incidents.operations.sources import STATES
from incidents.operations.sources.states import FROM_MARKS

# A count that would go on is shown as "10,000+"; on the other tabs, and where each row is looked up, as "1,000+".
CAP = 10_000
TAB_CAP = 1_000


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


def counts(scope: Scope) -> dict[str, Count]:
    """How many rows each state has under the scope's filters, in one statement. Raises SourceUnavailable."""
    full = {scope.state} - FROM_MARKS
    caps = {state: CAP if state in full else min(TAB_CAP, CAP) for state in STATES}
    return _counted(scope.kind, {state: (scope.in_state(state), cap) for state, cap in caps.items()})


def count(scope: Scope, cap: int | None = None) -> Count:
    """How many rows a scope has, up to `cap`, else up to CAP. Raises SourceUnavailable."""
    return _counted(scope.kind, {"": (scope, cap or CAP)})[""]


def stuck_count() -> Count:
    """How many operations of all kinds are stuck. Kinds that this database lacks count nothing."""
    return count(Scope(kind=""))


def _counted(kind: str, wanted: dict[str, tuple[Scope, int]]) -> dict[str, Count]:
    """Scopes of the kind, each up to its cap, by name."""
    names, within = list(wanted), branches(kind)
    selects = [
        sql.SQL("{} AS {}").format(sum_of(within, *wanted[name]), sql.Identifier(f"n{i}"))
        for i, name in enumerate(names)
    ]
    statement = sql.SQL("SELECT now() AS at, {}").format(sql.SQL(", ").join(selects))
    try:
        with limited(COUNT_MS, "The count"):
            (found,) = rows(statement, comes_again=True)
    except TooSlow:
        return dict.fromkeys(names, Count(None, False, None))
    return {
        name: Count(min(found[f"n{i}"], wanted[name][1]), found[f"n{i}"] > wanted[name][1], found["at"])
        for i, name in enumerate(names)
    }


def sum_of(within: list[Branch], scope: Scope, cap: int) -> sql.Composable:
    """The number of a scope's rows, more than `cap` where a source has more."""
    counted = [
        sql.SQL("(SELECT count(*) FROM ({} LIMIT {}) AS counted)").format(
            sql.SQL("SELECT 1 FROM ({}) AS found").format(branch.some(scope, cap + 1)), sql.Literal(cap + 1)
        )
        for branch in within
    ]
    return sql.SQL("({})").format(sql.SQL(" + ").join(counted))
