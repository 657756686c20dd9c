"""Works episodes off: a job is finished a few seconds after it came, if it is still the row's job."""

import logging
import random
import threading
import time
from collections import deque
from itertools import islice

from demo.assembly import Job
from demo.database import Database, DatabaseAway
from demo.meta import JOB_KEY, JOB_PREFIX
from ops_client.errors import StoreUnavailable

log = logging.getLogger(__name__)

JOBS_PER_SECOND = 150.0
# From, to.
JOB_SECONDS = (2.0, 4.0)
AWAY_PAUSE_SECONDS = 1.0
IDLE_SECONDS = 1.0
BATCH = 500

# Conditional on the job: an operator who failed the row, or a later retry, wins over this write.
FINISH = """
UPDATE public.episode AS e
SET status = 'processed', final_audio_path = 'final/' || e.id || '.mp3', audio_file_size = 42000000,
    working_audio_name = NULL, processed_at = now() AT TIME ZONE 'UTC'
FROM unnest(%(ids)s::uuid[], %(jobs)s::text[]) AS mine (id, job)
WHERE e.id = mine.id AND e.status = 'processing' AND position(mine.job IN e.meta_json) > 0
"""
UNFINISHED = """
SELECT id::text AS episode_id, substring(meta_json from %(pattern)s) AS job_id
FROM public.episode WHERE status = 'processing' AND meta_json ~ %(pattern)s
"""


class Worker:
    """A thread with a queue, filled by `take` and, at the start, with what the last stop left unfinished."""

    def __init__(self, database: Database, seconds: tuple[float, float] = JOB_SECONDS) -> None:
        self._database = database
        self._seconds = seconds
        self._queue: deque[tuple[float, Job]] = deque()
        self._changed = threading.Condition()
        self._last_due = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="episode-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout=5)

    def alive(self) -> bool:
        return self._thread.is_alive()

    def waiting(self) -> int:
        """How many jobs are queued or under way."""
        return len(self._queue)

    def take(self, job: Job) -> None:
        """Queue `job`; it is finished after its time, and no more than so many a second."""
        with self._changed:
            due = time.monotonic() + random.uniform(*self._seconds)
            self._last_due = max(due, self._last_due + 1 / JOBS_PER_SECOND)
            self._queue.append((self._last_due, job))
            self._changed.notify()

    def _run(self) -> None:
        recovered = False
        while not self._stopping:
            try:
                recovered = recovered or self._recover()
                self._work(self._due())
            except DatabaseAway:
                time.sleep(AWAY_PAUSE_SECONDS)

    def _recover(self) -> bool:
        pattern = f'"{JOB_KEY}": "({JOB_PREFIX}[^"]+)"'
        for row in self._database.fetch(UNFINISHED, {"pattern": pattern}):
            self.take(Job(row["job_id"], row["episode_id"]))
        return True

    def _due(self) -> list[Job]:
        with self._changed:
            pause = self._queue[0][0] - time.monotonic() if self._queue else IDLE_SECONDS
            if pause > 0:
                self._changed.wait(pause)
            now = time.monotonic()
            return [job for due, job in islice(self._queue, BATCH) if due <= now]

    def _work(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        ids, names = [job.episode_id for job in jobs], [job.id for job in jobs]
        done = self._database.execute(FINISH, {"ids": ids, "jobs": names})
        log.info("finished %d of %d episodes", done, len(jobs))
        # Only after the write: jobs stay queued while the database is away.
        with self._changed:
            for _ in jobs:
                self._queue.popleft()
        for job in jobs:
            _end(job)


def _end(job: Job) -> None:
    try:
        job.done()
    except StoreUnavailable as error:
        log.warning("the place of %s comes back by itself: %s", job.episode_id, error)
