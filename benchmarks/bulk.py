"""Bulks of stuck episodes: our release against one plain SQL statement that moves as many rows and writes the same
outbox, in turns, in one run. Each begins with the rows as they were, no dead ones between them, and after a checkpoint.

Of each pair the ratio is taken, ours first in one and second in the next, and the median of the pairs counts: a busy
moment of the machine falls on both.
"""

import statistics
import time
from typing import Any

import psycopg

from benchmarks.operation_rows import superuser

FAIL = """
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
RETRY = """
WITH meant AS (
    SELECT id, user_id, podcast_id, template_id, priority, meta_json FROM public.episode
    WHERE status = 'processing' AND (processed_at AT TIME ZONE 'UTC') < now() - interval '2 hours'
    ORDER BY processed_at AT TIME ZONE 'UTC', id LIMIT %(rows)s
), marked AS (
    INSERT INTO ops.operations_operationmark (kind, operation_id, version, attempts, last_command_at, last_verb, reason,
        status_before, action_ids)
    SELECT 'episode_assembly', id::text, 1, 1, now(), 'retry', 'benchmark', 'processing', ARRAY[%(action)s::bigint]
    FROM meant
), packed AS (SELECT *, (row_number() OVER () - 1) / 2000 AS number, meta_json::jsonb AS meta FROM meant)
INSERT INTO ops.operations_command (action_id, kind, verb, reason, operation_ids, versions, payloads)
SELECT %(action)s, 'episode_assembly', 'retry', 'benchmark', array_agg(id::text), array_agg(1),
    jsonb_agg(jsonb_build_object('episode_id', id, 'user_id', user_id, 'podcast_id', podcast_id, 'template_id',
        template_id, 'priority', priority, 'main_content_filename', meta -> 'main_content_filename', 'output_filename',
        meta -> 'output_filename', 'tts_values', meta -> 'tts_values', 'episode_details', meta -> 'episode_details',
        'intents', meta -> 'intents', 'use_auphonic', meta -> 'use_auphonic'))
FROM packed GROUP BY number
"""
PLAIN = {"fail": FAIL, "retry": RETRY}
RESTORE = """
UPDATE public.episode SET status = 'processing',
    meta_json = '{"main_content_filename": "a.wav", "output_filename": "final"}'
WHERE status = 'error' AND position('"error_reason": "benchmark"' IN meta_json) > 0
"""


def measure_bulk(rows: int, pairs: int, verb: str = "fail") -> dict[str, Any]:
    """Medians of `pairs` bulks of `rows` each way. Needs DATABASE_URL of a superuser, Django, and enough stuck rows."""
    freezing: list[float] = []
    taken: dict[str, list[float]] = {"ours": [], "plain": []}
    with superuser() as connection:
        for number in range(pairs):
            seconds, action_id = freeze(rows, verb)
            freezing.append(seconds)
            if number == 0:
                plainly(connection, rows, action_id, verb)  # not counted: a cold disk, and rows that never moved
                restore(connection)
            for way in list(taken)[:: -1 if number % 2 else 1]:
                seconds = release(rows, action_id) if way == "ours" else plainly(connection, rows, action_id, verb)
                taken[way].append(seconds)
                restore(connection)
    ratios = [a / b for a, b in zip(taken["ours"], taken["plain"], strict=True)]
    return {
        "verb": verb,
        "rows": rows,
        "ours_seconds": round(statistics.median(taken["ours"]), 2),
        "frozen_before_in_seconds": round(statistics.median(freezing), 2),
        "plain_seconds": round(statistics.median(taken["plain"]), 2),
        "times_plain": round(statistics.median(ratios), 2),
        "times_plain_of_each": [round(ratio, 2) for ratio in ratios],
    }


def restore(connection: psycopg.Connection[Any]) -> None:
    """The rows as they were, what is dead removed, and all of it on disk: neither way pays for the other's pages."""
    connection.execute(RESTORE)
    connection.execute("TRUNCATE ops.operations_operationmark")
    connection.execute("VACUUM (ANALYZE) public.episode")
    connection.execute("CHECKPOINT")


def freeze(rows: int, verb: str) -> tuple[float, int]:
    """Freeze the scope of an action on so many, by the worker if there are many; its seconds, and the action."""
    from incidents.operations import services
    from incidents.operations.late_freezing import freeze_due
    from incidents.operations.scope import Scope
    from ops_console.access.actor import SYSTEM

    began_at = time.monotonic()
    options = services.Options(most=rows, frees=verb == "fail")
    action = services.start(SYSTEM, Scope(), verb, "benchmark", options=options)
    freeze_due()
    return time.monotonic() - began_at, action.pk


def release(rows: int, action_id: int) -> float:
    """Release them all as the worker does; its seconds."""
    from incidents.operations.models import Action
    from incidents.operations.release import release_due

    began_at = time.monotonic()
    release_due()
    seconds = time.monotonic() - began_at
    action = Action.objects.get(pk=action_id)
    assert (action.state, action.total) == ("done", rows), (action.state, action.problem, action.total)
    return seconds


def plainly(connection: psycopg.Connection[Any], rows: int, action_id: int, verb: str) -> float:
    """The one statement; its seconds."""
    began_at = time.monotonic()
    connection.execute(PLAIN[verb], {"rows": rows, "action": action_id})
    return time.monotonic() - began_at
