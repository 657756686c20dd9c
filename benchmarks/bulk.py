"""Bulks of stuck episodes: our release against one plain SQL statement that moves as many rows and writes the same
outbox, in turns, in one run. Each begins with the rows as they were, and no dead ones between them.

Of each pair the ratio is taken, and the median of the pairs counts: a busy moment of the machine falls on both.
"""

import statistics
import time
from typing import Any

import psycopg

from benchmarks.operation_rows import superuser

PLAIN = """
WITH meant AS (
    SELECT id FROM public.episode
    WHERE status = 'processing' AND (processed_at AT TIME ZONE 'UTC') < now() - interval '2 hours'
    ORDER BY processed_at AT TIME ZONE 'UTC', id LIMIT %(rows)s
), moved AS (
    UPDATE public.episode AS e SET status = 'error', meta_json = (coalesce(meta_json, '{}')::jsonb ||
        jsonb_build_object('error_reason', 'benchmark', 'error_at', now()::text, 'error_by', 'plain'))::text
    FROM meant WHERE e.id = meant.id RETURNING e.id, e.user_id, e.working_audio_name
), packed AS (SELECT *, (row_number() OVER () - 1) / 2000 AS number FROM moved)
INSERT INTO ops.operations_command (action_id, kind, verb, reason, operation_ids, versions, payloads)
SELECT %(action)s, 'episode_assembly', 'free', 'benchmark', array_agg(id::text), array_agg(1),
    jsonb_agg(jsonb_build_object('owner_id', user_id, 'working_audio_name', working_audio_name))
FROM packed GROUP BY number
"""
RESTORE = """
UPDATE public.episode SET status = 'processing',
    meta_json = '{"main_content_filename": "a.wav", "output_filename": "final"}'
WHERE status = 'error' AND position('"error_reason": "benchmark"' IN meta_json) > 0
"""


def measure_bulk(rows: int, pairs: int) -> dict[str, Any]:
    """Medians of `pairs` bulks of `rows` each way. Needs DATABASE_URL of a superuser, Django, and enough stuck rows."""
    ours, plain = [], []
    with superuser() as connection:
        for _ in range(pairs):
            seconds, action_id = release(rows)
            ours.append(seconds)
            restore(connection)
            plain.append(plainly(connection, rows, action_id))
            restore(connection)
    return {
        "rows": rows,
        "ours_seconds": round(statistics.median(ours), 2),
        "plain_seconds": round(statistics.median(plain), 2),
        "times_plain": round(statistics.median(a / b for a, b in zip(ours, plain, strict=True)), 2),
        "times_plain_of_each": [round(a / b, 2) for a, b in zip(ours, plain, strict=True)],
    }


def restore(connection: psycopg.Connection[Any]) -> None:
    """The rows as they were, and what is dead removed."""
    connection.execute(RESTORE)
    connection.execute("TRUNCATE ops.operations_operationmark")
    connection.execute("VACUUM (ANALYZE) public.episode")


def release(rows: int) -> tuple[float, int]:
    """Freeze so many, release them all as the worker does; seconds of the release, and the action."""
    from incidents.operations import services
    from incidents.operations.models import Action
    from incidents.operations.release import release_due
    from incidents.operations.scope import Scope
    from ops_console.access.actor import SYSTEM

    action = services.start(SYSTEM, Scope(), "fail", "benchmark", options=services.Options(most=rows, frees=True))
    began_at = time.monotonic()
    release_due()
    seconds = time.monotonic() - began_at
    action = Action.objects.get(pk=action.pk)
    assert (action.state, action.total) == ("done", rows), (action.state, action.problem, action.total)
    return seconds, action.pk


def plainly(connection: psycopg.Connection[Any], rows: int, action_id: int) -> float:
    """The one statement; its seconds."""
    began_at = time.monotonic()
    connection.execute(PLAIN, {"rows": rows, "action": action_id})
    return time.monotonic() - began_at
