"""Processes that tell when they saw a change: clients of ours, or nothing but a connection that listens."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

FLAG = "bench_propagation"
CHANNEL = "bench_floor"
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Follower:
    """One process and the pipe through which it tells what it saw and when (seconds of the monotonic clock)."""

    process: Any
    pipe: Connection

    def seen_at(self, value: str) -> float:
        """When it saw this value. Raises AssertionError when it does not in time."""
        while True:
            assert self.pipe.poll(PATIENCE_SECONDS), f"a follower did not see {value!r} in {PATIENCE_SECONDS:g} s"
            seen, at = self.pipe.recv()
            if seen == value:
                return float(at)


@contextmanager
def followers(count: int, target: Callable[..., None], *arguments: object) -> Iterator[list[Follower]]:
    """Start the processes, wait until each is ready, and end them."""
    context = multiprocessing.get_context("spawn")
    started = []
    for _ in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
        process.start()
        started.append(Follower(process, ours))
    try:
        for each in started:
            each.seen_at("ready")
        yield started
    finally:
        for each in started:
            each.process.terminate()
            each.process.join()


def follow_by_client(pipe: Connection, dsn: str, listen: bool) -> None:
    """A backend's process: tells the flag's answer as soon as `is_enabled` gives it."""
    from ops_client import OpsClient

    ops = OpsClient(dsn, service="bench", listen=listen, snapshot_path=None)
    apply = ops.flags.apply

    def apply_and_tell(*arguments: Any) -> None:
        apply(*arguments)
        pipe.send((str(ops.flags.is_enabled(FLAG)), time.monotonic()))

    ops.flags.apply = apply_and_tell  # type: ignore[method-assign]
    ops.start()
    time.sleep(1)  # until its listener stands, which is not what is measured
    pipe.send(("ready", time.monotonic()))
    _stay()


def follow_by_listening(pipe: Connection, dsn: str) -> None:
    """The physical limit: PostgreSQL's notification and nothing done with it."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        pipe.send(("ready", time.monotonic()))
        for notice in connection.notifies():
            pipe.send((notice.payload, time.monotonic()))


def _stay() -> None:
    while True:
        time.sleep(3600)
