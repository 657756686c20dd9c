"""An intent becomes rows: the operations that a scope holds now, in packed chunks with what was seen of each."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from incidents.operations.models import Action
from ops_console.errors import Conflict, InvalidInput

CANARY_SIZE = 10
# What an operator looked at: status and version by operation id.
Seen = dict[str, tuple[str, int]]
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Options:
    """How an action is to go. `most` operations at most; `canary` pauses after the first ten."""

    canary: bool = False
    rate_per_second: float | None = None
    notifies: bool = False
    frees: bool = False
    snooze_until: datetime | None = None
    most: int | None = None


def freeze(action: Action, pages: Iterator[Rows], seen: Seen, most: int | None) -> None:
    """Write the chunks, and the action's total. Raises InvalidInput where nothing is left, Conflict."""
    for number, page in enumerate(_sized(pages, action.canary, most)):
        compare(page, seen)
        _write(action, number, page)
        action.total += len(page)
    if not action.total:
        raise InvalidInput("ids", "None of these operations is in this state any more: nothing is left to do.")


_CHUNK = """
INSERT INTO ops.operations_chunk (action_id, number, operation_ids, seen_statuses, seen_ages, seen_versions, state,
    changed, finished_meanwhile, locked, ineligible)
SELECT %(action)s, %(number)s, array_agg(id ORDER BY place), array_agg(status ORDER BY place),
    array_agg(age_at ORDER BY place), array_agg(version ORDER BY place), 'pending', 0, 0, 0, 0
FROM ROWS FROM (json_to_recordset(%(rows)s::json) AS (id text, status text, age_at timestamptz, version integer))
WITH ORDINALITY AS seen (id, status, age_at, version, place)
"""


def _write(action: Action, number: int, page: Rows) -> None:
    # One text of JSON: as arrays, each value would be escaped by itself.
    rows = [
        {
            "id": row["operation_id"],
            "status": row["status"],
            "age_at": row["age_at"].isoformat(),
            "version": row["version"],
        }
        for row in page
    ]
    with connection.cursor() as cursor:
        cursor.execute(_CHUNK, {"action": action.pk, "number": number, "rows": json.dumps(rows)})


def compare(rows: Rows, seen: Seen) -> None:
    """Raise Conflict, with both versions, when a row is no longer as it was seen."""
    for row in rows:
        status, version = seen.get(row["operation_id"], (row["status"], row["version"]))
        if (status, version) != (row["status"], row["version"]):
            raise Conflict(
                "This operation has changed since you looked at it.",
                {"status": row["status"], "commands": row["version"]},
                {"status": status, "commands": version},
            )


def freeze_again(action: Action, taken_back: Action, status: str) -> None:
    """The chunks of an action that undoes another: what that one changed, as it left it, with what was before.

    `status` is what it set. Nothing of it is read into this process.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, {"action": action.pk, "of": taken_back.pk, "status": status})
        cursor.execute(
            "SELECT coalesce(sum(cardinality(operation_ids)), 0) FROM ops.operations_chunk WHERE action_id = %s",
            [action.pk],
        )
        (action.total,) = cursor.fetchone()
    if not action.total:
        raise InvalidInput("action", "It has changed nothing: there is nothing to take back.")


_AGAIN = """
INSERT INTO ops.operations_chunk (action_id, number, operation_ids, seen_statuses, seen_ages, seen_versions,
    statuses_before, state, changed, finished_meanwhile, locked, ineligible)
SELECT %(action)s, c.number, array_agg(s.id), array_agg(coalesce(nullif(%(status)s, ''), s.status)),
    array_agg(s.age_at), array_agg(s.version), array_agg(s.status), 'pending', 0, 0, 0, 0
FROM ops.operations_chunk AS c
CROSS JOIN LATERAL ROWS FROM (
    unnest(c.operation_ids[1:c.released]), unnest(c.seen_statuses), unnest(c.seen_ages), unnest(c.seen_versions)
) AS s (id, status, age_at, version)
LEFT JOIN ops.operations_outcome AS o ON o.action_id = c.action_id AND o.operation_id = s.id
WHERE c.action_id = %(of)s AND s.id IS NOT NULL AND o.id IS NULL
GROUP BY c.number
"""


def _sized(pages: Iterator[Rows], canary: bool, most: int | None) -> Iterable[Rows]:
    """The pages cut: a first one of a few where a canary is asked for, and no more rows than `most`."""
    left = most if most is not None else 2**62
    for number, page in enumerate(pages):
        kept = list(islice(page, left))
        left -= len(kept)
        cut = CANARY_SIZE if canary and number == 0 else 0
        yield from (part for part in (kept[:cut], kept[cut:]) if part)
        if not left:
            return
