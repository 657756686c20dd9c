"""Counts that stop somewhere: nobody waits for the exact one of a million."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg import sql

from incidents.operations.branches import Branch, branches, in_order_of_list, in_order_where_bounded
from incidents.operations.guard import COUNT_MS, TooSlow, limited, rows
from incidents.operations.operation import Operation
from incidents.operations.scope import EVIDENCE, Scope
from incidents.operations.sources import STATES
from incidents.operations.sources.states import FROM_MARKS, was_alive
from ops_console.web import Page

# A count that would go on is shown as "2,500+", over all kinds as "500+", and as "250+" on the other tabs. Each row may
# cost a look at its mark or its user: with 10,000 and 1,000 rows the counts took 84 ms of each list (decision 032).
CAP, CAP_OF_ALL_KINDS = 2_500, 500
TAB_CAP = 250
# For one count more after all have taken too long together.
ALONE_MS = 500


@dataclass(frozen=True)
class Count:
    """A number of rows, `capped` where there are more, and when the database was asked. None: not found in time.

    `looked_at` is how many rows of a state were looked at, at most.
    """

    number: int | None
    capped: bool
    checked_at: datetime | None
    looked_at: int = 0

    @property
    def text(self) -> str:
        if self.number is None:
            return "?"
        return f"{self.number:,}{'+' if self.capped else ''}"


_UNKNOWN = Count(None, False, None)


def counts(scope: Scope, listed: Page[Operation] | None = None) -> dict[str, Count]:
    """How many rows each state has under the scope's filters, in one statement. Raises SourceUnavailable.

    Of each source and state TAB_CAP rows are looked at, of the own state more (`most_counted`) where that costs no look
    at a mark, a user or an error for each; so a filter that no index serves counts "at least": what it leaves of these.
    `listed` is the page that the scope's list shows: where that is all, its number is known.
    Where the scope's own state is stuck, "dead" and "suspected" are counted beside it, whichever of them it asks for.
    Where all together take too long, the scope's own state is asked for alone: without it nothing can be chosen whole.
    """
    within, own = branches(scope.kind), scope.state
    is_whole = listed is not None and not listed.next and not listed.previous
    caps = dict.fromkeys((*STATES, *EVIDENCE), TAB_CAP)
    if in_order_of_list(scope) and scope.group is None and own not in FROM_MARKS:
        caps |= dict.fromkeys((own, *(EVIDENCE if own == "stuck" else ())), most_counted(scope))
    wanted = {state: _looked_sql(within, scope.in_state(state), caps[state]) for state in STATES if state != own}
    own_sql = _evidence_sql(within, scope, caps[own]) if own == "stuck" else _looked_sql(within, scope, caps[own])
    if not is_whole or own == "stuck":
        wanted[own] = own_sql
    in_order = in_order_where_bounded(scope, within)
    found = _asked(wanted, COUNT_MS, in_order) or _asked({own: own_sql}, ALONE_MS, in_order)
    counted = {state: _capped(found, state, caps[state]) for state in STATES}
    if own == "stuck":
        counted |= _by_evidence(scope, found, caps[own])
    if listed is not None:
        counted[own] = _at_least(counted[own], len(listed.rows), is_whole)
    return counted


def _by_evidence(scope: Scope, found: dict[str, Any], cap: int) -> dict[str, Count]:
    """Dead and suspected, and stuck as the scope has it: one of them or both."""
    if "stuck" not in found:
        return dict.fromkeys(EVIDENCE, _UNKNOWN)
    number, looked, dead = found["stuck"]
    numbers = {"stuck": number, "dead": dead, "suspected": number - dead}
    counted = {name: _capped({**found, name: (numbers[name], looked)}, name, cap) for name in numbers}
    return counted | {"stuck": counted[scope.evidence or "stuck"]}


def _at_least(counted: Count, shown: int, is_whole: bool) -> Count:
    """The count of a list that shows so many: all there are, or some of them."""
    if is_whole:
        return Count(shown, False, counted.checked_at)
    return counted if counted.number is None else replace(counted, number=max(counted.number, shown))


def count(scope: Scope, cap: int | None = None) -> Count:
    """How many rows a scope has, up to `cap`, else as many as its list counts. Raises SourceUnavailable."""
    limit = cap or most_counted(scope)
    found = _asked({"n": sum_of(branches(scope.kind), scope, limit)}, COUNT_MS, in_order_of_list(scope))
    return Count(min(found["n"], limit), found["n"] > limit, found["at"]) if found else _UNKNOWN


def most_counted(scope: Scope) -> int:
    """Up to how many rows of its own state a list counts: a kind is acted on as a whole, all kinds are not."""
    return CAP if scope.kind else min(CAP, CAP_OF_ALL_KINDS)


def stuck_count() -> Count:
    """How many operations of all kinds are stuck. Kinds that this database lacks count nothing."""
    return count(Scope(kind=""))


def _asked(wanted: dict[str, sql.Composable], milliseconds: int, in_order: bool) -> dict[str, Any]:
    """What was asked for by name, and "at", when; nothing where it took too long."""
    selects = [sql.SQL("{} AS {}").format(expression, sql.Identifier(name)) for name, expression in wanted.items()]
    try:
        with limited(milliseconds, "The count", in_order):
            (found,) = rows(sql.SQL("SELECT now() AS at, {}").format(sql.SQL(", ").join(selects)), comes_again=True)
    except TooSlow:
        return {}
    return found


def _capped(found: dict[str, Any], name: str, cap: int) -> Count:
    """`cap` at most, and "at least" where rows of a source were left that nobody has looked at."""
    if name not in found:
        return _UNKNOWN
    number, looked = found[name][:2]
    return Count(min(number, cap), max(number, looked) > cap, found["at"], cap)


def sum_of(within: list[Branch], scope: Scope, cap: int) -> sql.Composable:
    """The number of a scope's rows, or `cap` + 1 where there are more: the sources after that are not read."""
    found = [sql.SQL("SELECT 1 FROM ({}) AS found").format(branch.some(scope, cap + 1)) for branch in within]
    return sql.SQL("(SELECT count(*) FROM ({} LIMIT {}) AS counted)").format(
        sql.SQL(" UNION ALL ").join(found), sql.Literal(cap + 1)
    )


def _looked_sql(within: list[Branch], scope: Scope, cap: int) -> sql.Composable:
    """ARRAY[found, looked]: the scope's rows among the first `cap` + 1 of its state, and the most of any source."""
    looked = [branch.looked_at(scope, cap + 1) for branch in within]
    return sql.SQL("(SELECT ARRAY[sum(s.found), max(s.looked)]::int[] FROM ({}) AS s)").format(
        sql.SQL(" UNION ALL ").join(looked)
    )


def _evidence_sql(within: list[Branch], scope: Scope, cap: int) -> sql.Composable:
    """ARRAY[found, looked, dead] of what is stuck, of whichever evidence.

    Not up to `cap` of each evidence: where a million rows are suspected, all would be read in search of a dead one.
    """
    either = replace(scope, evidence="")
    looked = [branch.looked_at(either, cap + 1, was_alive(branch.parts)) for branch in within]
    return sql.SQL("(SELECT ARRAY[sum(s.found), max(s.looked), sum(s.marked)]::int[] FROM ({}) AS s)").format(
        sql.SQL(" UNION ALL ").join(looked)
    )
