"""A worker that lost its broker lives, and takes no work: it ends, for its supervisor to start it anew.

Seen after Valkey or Redis restarted: Celery's consumer connects again and now and then consumes nothing any more.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

import redis
from celery import signals
from celery.worker import state
from django.conf import settings

from ops_client.threads import SupervisedThread

logger = logging.getLogger(__name__)
QUEUE = "celery"
# Beat sends a task every few seconds: this long without one, while some wait and none is being worked on, is no pause.
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 5.0


class Watch:
    """`waiting` counts the broker's waiting tasks, `working` says whether this process has any in hand."""

    def __init__(
        self,
        waiting: Callable[[], int],
        working: Callable[[], bool],
        end: Callable[[], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waiting, self._working, self._end, self._now = waiting, working, end, now
        self._last = now()

    def received(self, **_: object) -> None:
        """A task has come: the broker is heard."""
        self._last = self._now()

    def look(self) -> None:
        """End the process when work waits and none has come for too long. A broker that is away is not its fault."""
        if self._now() - self._last < PATIENCE_SECONDS:
            return
        try:
            lost = self._waiting() > 0 and not self._working()
        except (redis.RedisError, OSError):
            lost = False
        if lost:
            logger.critical("Tasks wait and none came for %d s: this worker ends, to be started anew", PATIENCE_SECONDS)
            self._end()
        self.received()


def start() -> None:
    """Watch this worker's main process, on a thread of its own."""
    broker = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5)
    watch = Watch(
        waiting=lambda: int(broker.llen(QUEUE)),
        working=lambda: bool(state.active_requests or state.reserved_requests),
        end=lambda: os._exit(1),  # an orderly stop would wait for the consumer that hangs
    )
    signals.task_received.connect(watch.received, weak=False)

    def run() -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            watch.look()

    SupervisedThread("ops-worker-watch", run, threading.Event()).start()
