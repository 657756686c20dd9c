"""Every read of operations that a page needs. Times come back aware; counts stop somewhere, lists are keyset pages."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from incidents.operations.branches import SourceUnavailable, parts_of, unavailable
from incidents.operations.counting import CAP, Count, count, counts, stuck_count
from incidents.operations.guard import rows
from incidents.operations.listing import list_page, scan
from incidents.operations.operation import Operation, operation_of, state_of
from incidents.operations.progress import outbox_depth_and_age, running_actions
from incidents.operations.sources import source_of
from ops_console.errors import NotFound

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
    "operation_of",
    "outbox_depth_and_age",
    "parts_of",
    "running_actions",
    "scan",
    "state_of",
    "stuck_count",
    "unavailable",
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


def _one(parts: Any, operation_id: str) -> sql.Composable:
    return sql.SQL("SELECT {}, {} {} WHERE {} = {}::{}").format(
        parts.columns(), parts.details(), parts.origin(), parts.id, sql.Literal(operation_id), parts.id_type
    )
