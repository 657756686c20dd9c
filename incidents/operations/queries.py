"""Every read of operations that a page needs. Times come back aware; counts stop somewhere, lists are keyset pages."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from incidents.operations import eligibility
from incidents.operations.branches import Branch, SourceUnavailable, branches, parts_of, unavailable
from incidents.operations.counting import CAP, Count, count, counts, stuck_count
from incidents.operations.guard import rows
from incidents.operations.listing import list_page, scan, scan_ids
from incidents.operations.models import Verb
from incidents.operations.operation import Operation, operation_of, state_of
from incidents.operations.progress import outbox_depth_and_age, running_actions
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from incidents.operations.sources.filters import id_begins
from incidents.operations.verbs import RULES
from ops_console.errors import NotFound

# What a search looks at by title: an operation that is done is found by its id alone.
_SEARCHED_STATES = ("in_progress", "failed", "waiting")
_SHORTEST_ID, _SHORTEST_TITLE = 6, 3

__all__ = [
    "CAP",
    "Count",
    "Detail",
    "Operation",
    "SourceUnavailable",
    "count",
    "counts",
    "detail",
    "list_page",
    "matching",
    "operation_of",
    "outbox_depth_and_age",
    "parts_of",
    "running_actions",
    "scan",
    "scan_ids",
    "state_of",
    "stuck_count",
    "unavailable",
    "why_not",
]


@dataclass(frozen=True)
class Detail:
    """An operation with all that a change of it needs: `row` holds the meta text and the payload's columns."""

    operation: Operation
    row: dict[str, Any]


def detail(kind: str, operation_id: str) -> Detail:
    """One operation. Raises NotFound, SourceUnavailable."""
    parts, source = parts_of(kind), source_of(kind)
    found = rows(_one(parts, operation_id)) if source.valid_id(operation_id, source.live()) else []
    mine = [row for row in found if row["kind"] == kind]
    if not mine:
        raise NotFound(f"There is no {source.label} with the id {operation_id}.")
    return Detail(operation_of(mine[0]), mine[0])


def matching(text: str, most: int) -> list[Operation]:
    """Operations of any kind whose id begins with a text, then those that are not done and whose title holds it.

    Raises TooSlow. A short text is no beginning of an id: most ids would match.
    """
    sought = branches("") if len(text) >= _SHORTEST_ID else []
    operations = [operation_of(row) for branch in sought for row in _with_id(branch, text, most)]
    for state in _SEARCHED_STATES:
        if len(operations) < most and len(text) >= _SHORTEST_TITLE:
            operations += list_page(Scope(kind="", state=state, text=text), size=most).rows
    return list({(one.kind, one.operation_id): one for one in operations}.values())[:most]


def _with_id(branch: Branch, text: str, most: int) -> list[dict[str, Any]]:
    parts = branch.parts
    conditions = list(id_begins(parts, text.lower()))
    if not conditions:
        return []
    statement = sql.SQL("SELECT {} {} WHERE {} LIMIT {}")
    return rows(statement.format(parts.columns(), parts.origin(), sql.SQL(" OR ").join(conditions), sql.Literal(most)))


def why_not(found: Detail, verb: str) -> str:
    """Why the operation cannot be acted on so, by itself; "" if it can."""
    source = source_of(found.operation.kind)
    impossible = eligibility.why_verb_not(source, source.live(), verb)
    return impossible or eligibility.why_not(source, verb, found.row, found.row[f"not_{verb}"])


def _one(parts: Any, operation_id: str) -> sql.Composable:
    reasons = [
        sql.SQL("{} AS {}").format(
            eligibility.reason(parts, verb, many=False, seen_at=None), sql.Identifier(f"not_{verb}")
        )
        for verb in RULES
        if verb != Verb.TAKE_BACK
    ]
    return sql.SQL("SELECT {}, {}, {} {} WHERE {} = {}::{}").format(
        parts.columns(),
        parts.details(),
        sql.SQL(", ").join(reasons),
        parts.origin(),
        parts.id,
        sql.Literal(operation_id),
        parts.id_type,
    )
