"""Limits over whole processes, as gunicorn's workers are: never too many, and what a killed one held comes back."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from embedded import paths
from embedded.process import dying_with_parent
from ops_client.quotas.guard import QuotaExceeded
from quotas.models import Resource, Ring, Slot
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]
PROCESSES = 16
Start = Callable[..., list["Worker"]]


class Worker:
    """One process that waits for a line before it works."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def hear(self) -> Any:
        return json.loads(self.process.stdout.readline())

    def tell(self) -> None:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()


@pytest.fixture
def start(backend_dsn) -> Iterator[Start]:
    """`start("hit", resource, user, 40)`: processes, all of them ready."""
    with ExitStack() as stack:

        def run(verb: str, resource: str, user: str, times: int = 0, processes: int = PROCESSES) -> list[Worker]:
            command = [sys.executable, "-m", "tests.quotas.hitting", backend_dsn, verb, resource, user, str(times)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            started = [
                stack.enter_context(subprocess.Popen(dying_with_parent(command), cwd=paths.ROOT, **pipes))
                for _ in range(processes)
            ]
            for process in started:
                stack.callback(process.kill)
            workers = [Worker(process) for process in started]
            assert [worker.hear() for worker in workers] == ["ready"] * processes
            return workers

        yield run


def together(workers: list[Worker]) -> list[Any]:
    """What each got, all at once, once all have ended."""
    for worker in workers:
        worker.tell()
    got = [worker.hear() for worker in workers]
    assert [worker.process.wait(30) for worker in workers] == [0] * len(workers)
    return got


@pytest.fixture
def patient(make_resource) -> Callable[..., Resource]:
    """A resource whose answer is waited for, however busy the machine is: its bound has no exception."""

    def make(kind: str = "rate", **values: Any) -> Resource:
        return make_resource(kind, failure_policy="closed", deadline_ms=60_000, **values)

    return make


def test_sixteen_processes_get_exactly_the_limit(start, ops, hanna, patient):
    """Of 640 calls by 16 processes, permits leased, never more than 100 pass; and what they gave back makes it 100."""
    name = patient(default_limit=100, window_seconds=86_400).name
    passed = sum(map(sum, together(start("hit", name, hanna.id, 40))))
    assert passed <= 100
    while ops.quotas.hit(name, hanna.id).allowed:
        passed += 1
    assert passed == 100
    assert sum(Ring.objects.get(resource=name).counts) == 100


def test_no_window_of_sixteen_processes_holds_more_than_the_limit(start, ops, hanna, patient):
    """Of 16 processes at random moments with random costs and leased permits, no two seconds ever pass more than 60."""
    name = patient(default_limit=60, window_seconds=2).name
    passed = sorted(span for spans in together(start("crowd", name, hanna.id, 7)) for span in spans)
    assert len(passed) > 100  # three windows had something each
    fullest = max(sum(began <= asked and told < began + 2 for asked, told in passed) for began, _ in passed)
    assert fullest <= 60


def test_sixteen_processes_hold_five_places_at_most(start, hanna, patient):
    """Of 16 processes that take and give back as fast as they can, never more than five hold a place at once."""
    name = patient("concurrency", default_limit=5).name
    spans = [span for spans in together(start("hold", name, hanna.id, 10)) for span in spans]
    assert len(spans) == PROCESSES * 10
    assert max(sum(begun <= at < ended for begun, ended in spans) for at, _ in spans) <= 5


def test_places_of_killed_processes_come_back_in_their_time(start, ops, hanna, patient):
    """After SIGKILL of the holders nobody gets a place before its time to live is over, and everybody after it."""
    name = patient("concurrency", default_limit=5).name
    Resource.objects.filter(pk=name).update(ttl_seconds=3)
    workers = start("keep", name, hanna.id, processes=5)
    for worker in workers:
        worker.tell()
    assert [worker.hear() for worker in workers] == ["held"] * 5
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
    first_over = Slot.objects.filter(resource=name).order_by("expires_at").values_list("expires_at", flat=True)[0]
    taken = until(lambda: attempt(ops, name, hanna.id), 20, "a place that came back")
    assert taken >= first_over
    # They come back one by one: what one look finds, the next does not find again.
    back = [taken]
    until(lambda: back.extend(filter(None, [attempt(ops, name, hanna.id)])) or len(back) >= 5, 20, "the other four")


def attempt(ops, name: str, user: str) -> Any:
    """The database's time at which a place was got; None while there is none. The place stays taken."""
    try:
        KEPT.append(ops.quotas.lease(name, user))
    except QuotaExceeded:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


KEPT: list[Any] = []


def test_the_late_release_of_a_frozen_process_does_nothing(start, ops, hanna, patient):
    """A process that was frozen beyond its time wakes and gives back a place that is another's by now: nothing."""
    name = patient("concurrency", default_limit=1).name
    Resource.objects.filter(pk=name).update(ttl_seconds=2)
    (frozen,) = start("keep", name, hanna.id, processes=1)
    frozen.tell()
    assert frozen.hear() == "held"
    frozen.process.send_signal(signal.SIGSTOP)
    until(lambda: attempt(ops, name, hanna.id), 20, "the place of the frozen process")
    Resource.objects.filter(pk=name).update(ttl_seconds=600)
    ops.quotas._keep_leases()
    frozen.process.send_signal(signal.SIGCONT)
    frozen.tell()
    frozen.hear()
    with pytest.raises(QuotaExceeded):
        ops.quotas.lease(name, hanna.id)
