"""Failed operations by what they failed of: kind and error group, counted among the newest of each source."""

from dataclasses import dataclass, replace
from datetime import datetime

from psycopg import sql

from incidents.operations.branches import Branch, branches, in_order_of_list
from incidents.operations.guard import LIST_MS, limited, rows
from incidents.operations.scope import Scope

# Each costs regular expressions over its error: 10,000 of each source took 110 ms.
SAMPLE = 2_000
MOST_SHOWN = 100


@dataclass(frozen=True)
class Group:
    """`number` among the newest SAMPLE failures of its source, `capped` where there are more of those."""

    kind: str
    group: str
    error: str
    number: int
    newest_at: datetime
    capped: bool


def error_groups(scope: Scope) -> list[Group]:
    """The groups under a list's filters, the largest first. Raises SourceUnavailable, TooSlow."""
    failed = replace(scope.in_state("failed"), group=None)
    selects = [_grouped(branch, failed) for branch in branches(scope.kind)]
    statement = sql.SQL("{} ORDER BY number DESC, newest_at DESC LIMIT {}").format(
        sql.SQL(" UNION ALL ").join(selects), sql.Literal(MOST_SHOWN)
    )
    with limited(LIST_MS, "What operations failed of", in_order_of_list(failed)):
        return [Group(**row) for row in rows(statement)]


def _grouped(branch: Branch, scope: Scope) -> sql.Composable:
    """Of the newest: what fails now matters more than an exact count of last year's."""
    return sql.SQL(
        """(SELECT kind::text AS kind, error_group AS "group", coalesce(min(left(error, 300)), '') AS error,
            count(*) AS number, max(sort_at) AS newest_at, bool_or(sampled > {most}) AS capped
        FROM (SELECT {kind} AS kind, coalesce({group}, '') AS error_group, {error} AS error, e.sort_at,
                     count(*) OVER () AS sampled
              FROM ({rows}) AS e) AS sample
        GROUP BY 1, 2)"""
    ).format(
        most=sql.Literal(SAMPLE),
        kind=branch.parts.kind,
        group=branch.parts.error_group,
        error=branch.parts.error,
        rows=branch.rows(scope, sql.SQL("TRUE"), True, SAMPLE + 1),
    )
