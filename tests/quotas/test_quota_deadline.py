"""A database that is too slow, or gone, while a call waits: the resource's policy answers by the deadline."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from ops_client.client import OpsClient
from ops_client.errors import StoreUnavailable
from quotas.models import Failure, Ring
from tests import database
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own(backend_dsn) -> Iterator[OpsClient]:
    """A client of this test's own, for it is left alone for a second after a failure."""
    with OpsClient(backend_dsn, service="deadline", snapshot_path=None) as client:
        yield client


@contextmanager
def held_up(resource: str, user: str) -> Iterator[psycopg.Connection]:
    """Somebody holds the user's ring, and whoever wants it waits."""
    with psycopg.connect(database.dsn()) as holder:
        holder.execute(
            "SELECT 1 FROM ops.quotas_ring WHERE resource = %s AND user_id = %s FOR UPDATE", [resource, user]
        )
        yield holder


def slow(make_resource, own: OpsClient, user: str, policy: str) -> str:
    """A resource with a deadline of 100 ms, known to the client, and a ring that can be held up."""
    name = make_resource(default_limit=3, failure_policy=policy, deadline_ms=100).name
    until(lambda: name in own.quotas._asking.resources, 10, "the client's configuration")
    assert own.quotas.hit(name, user).allowed
    return name


def test_open_lets_through_what_was_not_answered_in_time(own, hanna, make_resource):
    """Far before the statement's own timeout the call goes on, and it is counted as late."""
    name = slow(make_resource, own, hanna.id, "open")
    with held_up(name, hanna.id):
        began = time.monotonic()
        decision = own.quotas.hit(name, hanna.id)
        waited = time.monotonic() - began
    assert (decision.allowed, decision.policy) == (True, "open: database away")
    assert waited < 5  # the statement's timeout, by which the database itself would have given up
    own.quotas._tell()
    row = Failure.objects.get(resource=name)
    assert (row.count, row.late, row.failure_policy) == (1, 1, "open")


def test_closed_refuses_what_was_not_answered_in_time(own, hanna, make_resource):
    """Nothing passes unasked; the next call does not wait at all, and is not late."""
    name = slow(make_resource, own, hanna.id, "closed")
    with held_up(name, hanna.id):
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=name):
                own.quotas.hit(name, hanna.id)
    own.quotas._tell()
    row = Failure.objects.get(resource=name)
    assert (row.count, row.late) == (2, 1)


def test_local_counts_for_itself_what_was_not_answered_in_time(own, hanna, make_resource):
    """The process holds the limit alone until the database answers again."""
    name = slow(make_resource, own, hanna.id, "local")
    with held_up(name, hanna.id):
        assert [own.quotas.hit(name, hanna.id).allowed for _ in range(4)] == [True, True, True, False]


def test_a_late_connection_is_not_used_again(own, hanna, make_resource):
    """The answer that came too late is nobody's: the next question gets its own."""
    name = slow(make_resource, own, hanna.id, "open")
    with held_up(name, hanna.id):
        own.quotas.hit(name, hanna.id)
    decision = until(lambda: answered(own, name, hanna.id), 10, "the database's answer")
    assert (decision.limit, decision.policy) == (3, "default")
    assert sum(Ring.objects.get(resource=name).counts) <= 3


def answered(own: OpsClient, name: str, user: str):
    decision = own.quotas.hit(name, user)
    return None if decision.policy == "open: database away" else decision


@pytest.mark.parametrize(("policy", "answer"), [("open", True), ("local", True), ("closed", StoreUnavailable)])
def test_a_server_that_stops_in_the_middle_of_a_call(own, hanna, make_resource, policy, answer):
    """A call whose connection dies while it waits is answered by the resource's policy, and counts as not late."""
    name = make_resource(default_limit=3, failure_policy=policy, deadline_ms=60_000).name
    until(lambda: name in own.quotas._asking.resources, 10, "the client's configuration")
    own.quotas.hit(name, hanna.id)
    with held_up(name, hanna.id), ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(own.quotas.hit, name, hanna.id)
        until(stop_the_waiting, 20, "the call that waits")
        if answer is StoreUnavailable:
            with pytest.raises(StoreUnavailable):
                waiting.result(20)
        else:
            assert waiting.result(20).allowed is answer
    own.quotas._tell()
    row = Failure.objects.get(resource=name)
    assert (row.count, row.late, row.failure_policy) == (1, 0, policy)


def stop_the_waiting() -> bool:
    """End the connection of whoever waits for a ring, as a server that is shut down does."""
    with psycopg.connect(database.dsn(), autocommit=True) as superuser:
        return bool(
            superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND query LIKE '%quota_hit%' AND application_name = 'ops_client'"
            ).fetchall()
        )


def test_connections_that_the_server_has_closed_are_noticed(own, hanna, make_resource):
    """After the server has ended every connection of the client's, its next call is answered by the database."""
    name = make_resource(default_limit=3, failure_policy="closed", deadline_ms=30_000).name
    assert own.quotas.hit(name, hanna.id).allowed
    with psycopg.connect(database.dsn(), autocommit=True) as superuser:
        gone = superuser.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'ops_client' "
            "AND usename LIKE 'backend%'"
        ).fetchall()
    assert gone
    assert own.quotas.hit(name, hanna.id).limit == 3


WAITING = """
SELECT 1 FROM pg_stat_activity WHERE application_name = 'ops_client' AND wait_event_type = 'Lock' AND query LIKE %s
"""
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::double precision"


def somebody_waits() -> bool:
    """Whether a call waits for a lock, asked outside any transaction: inside one the answer stays that of the first."""
    with psycopg.connect(database.dsn(), autocommit=True) as superuser:
        return superuser.execute(WAITING, ["%quota_hit%"]).fetchone() is not None


def test_a_call_that_waited_counts_when_it_passes(own, hanna, make_resource, allow):
    """A call that others held up counts from when it was let through, and by the limit of then, not of when it came."""
    name = make_resource(default_limit=3, window_seconds=1, failure_policy="closed", deadline_ms=30_000).name
    assert own.quotas.hit(name, hanna.id).allowed
    with ThreadPoolExecutor(1) as thread:
        with held_up(name, hanna.id) as holder:
            waits = thread.submit(own.quotas.hit, name, hanna.id)
            until(somebody_waits, 10, "the call to wait")
            came = holder.execute(CLOCK).fetchone()[0]
            allow(hanna, name, 2)
            until(lambda: holder.execute(CLOCK).fetchone()[0] > came + 0.2, 10, "four of the window's buckets")
        decision = waits.result()
    assert (decision.limit, decision.policy) == (2, "override")
    assert Ring.objects.get(resource=name).newest >= int((came + 0.2) * 20)
