"""A scope as SQL over every source that it means: one branch a foreign table, one for all that backends track."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from incidents.operations.scope import Scope
from incidents.operations.sources import ALL_TRACKED, SOURCES, Source, TrackedSource, source_of, sql_of
from incidents.operations.sources.filters import conditions, finds_text, looked_up, served
from incidents.operations.sources.sql import SourceSql
from incidents.operations.sources.states import FROM_MARKS, NEWEST_FIRST, state_sql
from ops_console.errors import ConsoleError

_ONE = sql.SQL("1 AS one")
_TRUE = sql.SQL("TRUE")


class SourceUnavailable(ConsoleError):
    """The source cannot be read in this database; the message says what is missing."""

    status = 503
    code = "source_unavailable"


@dataclass(frozen=True)
class Branch:
    """`kind` narrows what backends track to one kind; "" is all of them."""

    name: str
    parts: SourceSql
    kind: str = ""

    def some(self, scope: Scope, limit: int, columns: sql.Composable = _ONE) -> sql.Composable:
        """The first `limit` rows of the scope, or fewer, to be counted."""
        # In the list's order: unordered, the planner may gather all rows of an index before it takes the first. Without
        # the id, since those of one bulk have one time, and would all be read to be sorted.
        state, way = state_sql(self.parts, scope), sql.SQL("DESC" if scope.state in NEWEST_FIRST else "ASC")
        order = sql.SQL("ORDER BY {} {}").format(state.order, way)
        held = list(conditions(self.parts, scope, state))
        return self._select(columns, state.origin, held, order, limit)

    def looked_at(self, scope: Scope, limit: int, mark: sql.Composable = _TRUE) -> sql.Composable:
        """How many of the first `limit` rows of the scope's state (`looked`) hold its other filters too (`found`), and
        how many of those the condition `mark` (`marked`).
        """
        state, way = state_sql(self.parts, scope), sql.SQL("DESC" if scope.state in NEWEST_FIRST else "ASC")
        held = sql.SQL(" AND ").join([_TRUE, *looked_up(self.parts, scope, each=True)])
        columns = sql.SQL("{} AS fits, {} AS marks").format(held, mark)
        order = sql.SQL("ORDER BY {} {}").format(state.order, way)
        rows = self._select(columns, state.origin, list(served(self.parts, scope, state)), order, limit)
        return sql.SQL(
            "SELECT count(*) FILTER (WHERE fits) AS found, count(*) AS looked, "
            "count(*) FILTER (WHERE fits AND marks) AS marked FROM (SELECT * FROM ({}) AS e LIMIT {}) AS e"
        ).format(rows, sql.Literal(limit))

    def key(self, scope: Scope) -> sql.Composable:
        """By what rows of `rows` with the same `sort_at` are sorted, said of those rows."""
        return sql.SQL("{}::text").format(self.parts.id) if scope.state in FROM_MARKS else self.parts.id

    def rows(self, scope: Scope, after: sql.Composable, descending: bool, limit: int) -> sql.Composable:
        """The first `limit` rows of the scope in its order, whole, with `sort_at`. `after` is said of {order}, {id}."""
        state, way = state_sql(self.parts, scope), sql.SQL("DESC" if descending else "ASC")
        held = [*conditions(self.parts, scope, state), after]
        order = sql.SQL("ORDER BY {} {way}, {} {way}").format(state.order, state.key, way=way)
        columns = sql.SQL("{}, {} AS sort_at").format(self.parts.every_column(), state.order)
        return self._select(columns, state.origin, held, order, limit)

    def _select(
        self,
        columns: sql.Composable,
        origin: sql.Composable,
        held: Sequence[sql.Composable],
        order: sql.Composable,
        limit: int,
    ) -> sql.Composable:
        tracked = isinstance(self.parts.source, TrackedSource)
        where = [*held, sql.SQL("e.kind = k.kind")] if tracked else held
        select = sql.SQL("SELECT {} {} WHERE {} {} LIMIT {}").format(
            columns, origin, sql.SQL(" AND ").join(where), order, sql.Literal(limit)
        )
        return self._for_each_kind(select) if tracked else select

    def _for_each_kind(self, select: sql.Composable) -> sql.Composable:
        kinds = (
            sql.SQL("k.kind = {}").format(sql.Literal(self.kind))
            if self.kind
            else sql.SQL("k.kind <> ALL ({})").format(sql.Literal(list(SOURCES)))
        )
        return sql.SQL("SELECT e.* FROM ops_sources.tracked_kind AS k CROSS JOIN LATERAL ({}) AS e WHERE {}").format(
            select, kinds
        )


def in_order_of_list(scope: Scope) -> bool:
    """Whether the scope's rows are best read in its list's order: no other index leads to them.

    With a tier, and what only marks tell, the planner knows better how rare it is.
    """
    return not (scope.narrows or scope.text or scope.tier or scope.attempts or scope.evidence == "dead")


def in_order_where_bounded(scope: Scope, within: Sequence[Branch]) -> bool:
    """The same where few rows are looked at, whatever they hold."""
    return not scope.narrows and not (scope.text and any(finds_text(branch.parts, scope.text) for branch in within))


def branches(kind: str) -> list[Branch]:
    """What a kind means, "" all of them that this database has. Raises NotFound, SourceUnavailable."""
    if kind:
        return [branch_of(kind)]
    known = [Branch(name, sql_of(source, source.live())) for name, source in SOURCES.items() if not unavailable(source)]
    every = TrackedSource()
    return [*known, Branch(ALL_TRACKED, sql_of(every, every.live()))]


def branch_of(kind: str) -> Branch:
    """One kind. Raises NotFound, SourceUnavailable."""
    source = source_of(kind)
    tracked = isinstance(source, TrackedSource)
    return Branch(ALL_TRACKED if tracked else kind, parts_of(kind), kind if tracked else "")


def parts_of(kind: str) -> SourceSql:
    """The SQL of a kind's source. Raises NotFound, SourceUnavailable."""
    source = source_of(kind)
    if reason := unavailable(source):
        raise SourceUnavailable(f"The {source.plural} cannot be listed. {reason}")
    return sql_of(source, source.live())


def unavailable(source: Source) -> str:
    """Why a source cannot be listed here; "" if it can."""
    return source.why_not("list", source.live())
