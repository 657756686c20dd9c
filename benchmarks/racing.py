"""A bulk that fails stuck episodes while four processes finish some of them: who was told what, and what the rows say.

The processes write as a careful backend does: the row only if it is still in progress, and the owner's notification in
the same transaction, only where the row was written.
"""

import random
import statistics
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psycopg

from benchmarks.followers import Follower, followers

WORKERS = 4
# Until the next one: what a worker does beside writing.
REST_SECONDS = 0.002
SHARE = """
SELECT s.id FROM ops.operations_chunk AS c CROSS JOIN LATERAL unnest(c.operation_ids) WITH ORDINALITY AS s (id, place)
WHERE c.action_id = %s AND s.place %% %s = %s
"""
FINISH = """
UPDATE public.episode SET status = 'processed', final_audio_path = 'final/' || id || '.mp3',
    processed_at = now() AT TIME ZONE 'UTC'
WHERE id = %s AND status = 'processing' RETURNING user_id, title
"""
TELL = """
INSERT INTO public.notification (id, user_id, type, title, created_at)
VALUES (gen_random_uuid(), %s, 'episode_ready', %s, now() AT TIME ZONE 'UTC')
"""
FACTS = """
WITH victim AS (
    SELECT unnest(operation_ids) AS id FROM ops.operations_chunk WHERE action_id = %(action)s
), told AS (
    SELECT title, count(*) FILTER (WHERE type = 'operation_failed') AS failed,
        count(*) FILTER (WHERE type = 'episode_ready') AS ready
    FROM public.notification GROUP BY title
), freed AS (
    SELECT unnest(operation_ids) AS id FROM ops.operations_command WHERE action_id = %(action)s AND verb = 'free'
), said AS (
    SELECT e.status::text AS status, o.outcome, coalesce(bad.failed, 0) AS failed, coalesce(good.ready, 0) AS ready,
        f.times AS freed, coalesce(position('"error_action": ' || %(action)s IN e.meta_json), 0) > 0 AS has_reason
    FROM victim AS v JOIN public.episode AS e ON e.id = v.id::uuid
    LEFT JOIN ops.operations_outcome AS o ON o.action_id = %(action)s AND o.operation_id = v.id
    LEFT JOIN (SELECT id, count(*) AS times FROM freed GROUP BY id) AS f ON f.id = v.id
    LEFT JOIN told AS bad ON bad.title = left(format('Your episode "%%s" could not be finished', e.title), 200)
    LEFT JOIN told AS good ON good.title = e.title
)
SELECT count(*) AS victims, count(*) FILTER (WHERE status = 'error') AS failed,
    count(*) FILTER (WHERE status = 'processed') AS finished, count(*) FILTER (WHERE outcome = 'locked') AS locked,
    count(*) FILTER (WHERE status = 'error' AND NOT (failed = 1 AND ready = 0 AND outcome IS NULL AND has_reason
        AND freed = 1)) AS failed_and_told_otherwise,
    count(*) FILTER (WHERE status = 'processed' AND NOT (failed = 0 AND ready = 1 AND outcome IS NOT NULL
        AND NOT has_reason AND freed IS NULL)) AS finished_and_told_otherwise,
    count(*) FILTER (WHERE status = 'processing' AND NOT (failed = 0 AND ready = 0 AND outcome = 'locked'
        AND NOT has_reason AND freed IS NULL)) AS left_and_told_otherwise
FROM said
"""
COUNTED = """
SELECT (SELECT sum(changed) FROM ops.operations_chunk WHERE action_id = %(action)s) AS changed,
    (SELECT sum(operations) FROM ops.operations_usernotice WHERE action_id = %(action)s) AS mailed,
    (SELECT sum((after ->> 'changed')::integer) FROM ops.audit_entry
     WHERE action = 'operations.release' AND target_id = %(action)s::text) AS audited
"""


@dataclass(frozen=True)
class Race:
    """`rows` counts what the victims say and what was said of them; `counted` what the action says of itself."""

    rows: dict[str, int]
    counted: dict[str, int]
    finished: int
    came_too_late: int
    waits_seconds: list[float]
    seconds: float

    @property
    def contradictions(self) -> int:
        """Rows of which somebody was told something else than they say."""
        return sum(number for name, number in self.rows.items() if name.endswith("otherwise"))

    def facts(self) -> dict[str, Any]:
        """For a report: counts, and how long workers waited for a write."""
        cuts = statistics.quantiles(self.waits_seconds, n=100, method="inclusive")
        return {
            **self.rows,
            "contradictions": self.contradictions,
            "workers": WORKERS,
            "worker_writes": len(self.waits_seconds),
            "came_too_late": self.came_too_late,
            "worker_wait_p50_ms": round(cuts[49] * 1000, 1),
            "worker_wait_p99_ms": round(cuts[98] * 1000, 1),
            "worker_wait_longest_ms": round(max(self.waits_seconds) * 1000, 1),
            "bulk_seconds": round(self.seconds, 1),
        }


def race(dsn: str, victims: int) -> Race:
    """Freeze the `victims` that are stuck longest, and release them while workers finish. Needs Django, and a `dsn`
    of a superuser."""
    from incidents.operations import services
    from incidents.operations.release import release_action
    from incidents.operations.scope import Scope
    from ops_console.access.actor import SYSTEM

    options = services.Options(most=victims, notifies=True, frees=True)
    action = services.start(SYSTEM, Scope("episode_assembly"), "fail", "race", options=options)
    with followers(WORKERS, finish_victims, dsn, action.pk) as workers:
        for number, worker in enumerate(workers):
            worker.pipe.send(number)
        for worker in workers:
            worker.seen_at("loaded")
        began_at = time.monotonic()
        while not release_action(action.pk):
            time.sleep(0.01)
        seconds = time.monotonic() - began_at
        work = [_ended(worker) for worker in workers]
    rows, counted = _looked_up(dsn, action.pk)
    finished, too_late = (sum(each[name] for each in work) for name in ("finished", "too_late"))
    return Race(rows, counted, finished, too_late, [wait for each in work for wait in each["waits"]], seconds)


def _ended(worker: Follower) -> dict[str, Any]:
    worker.pipe.send("stop")
    assert worker.pipe.poll(30), "a worker did not end"
    return dict(worker.pipe.recv())


def _looked_up(dsn: str, action_id: int) -> tuple[dict[str, int], dict[str, int]]:
    with psycopg.connect(dsn, row_factory=psycopg.rows.dict_row) as connection:
        rows, counted = (connection.execute(each, {"action": action_id}).fetchone() for each in (FACTS, COUNTED))
    return dict(rows or {}), {name: int(number or 0) for name, number in (counted or {}).items()}


def finish_victims(pipe: Connection, dsn: str, action_id: int) -> None:
    """A backend's worker: finishes its share of the victims, in an order of its own, until it is told to stop."""
    pipe.send(("ready", time.monotonic()))
    number = pipe.recv()
    work: dict[str, Any] = {"finished": 0, "too_late": 0, "waits": []}
    stop = threading.Event()
    with psycopg.connect(dsn) as connection:
        share = [one for (one,) in connection.execute(SHARE, [action_id, WORKERS, number])]
        connection.commit()
        random.shuffle(share)
        pipe.send(("loaded", time.monotonic()))
        for episode_id in share:
            if pipe.poll():
                break
            _finish(connection, episode_id, work)
            stop.wait(REST_SECONDS)
    pipe.recv()
    pipe.send(work)


def _finish(connection: psycopg.Connection[Any], episode_id: str, work: dict[str, Any]) -> None:
    with connection.transaction():
        began_at = time.monotonic()
        mine = connection.execute(FINISH, [episode_id]).fetchone()
        work["waits"].append(time.monotonic() - began_at)
        if mine is None:
            work["too_late"] += 1
            return
        connection.execute(TELL, mine)
        work["finished"] += 1
