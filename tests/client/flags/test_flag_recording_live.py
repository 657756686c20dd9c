"""Usage and presence in a real PostgreSQL, as a backend's role writes them."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from flags.models import Flag, Presence, Usage
from ops_client import OpsClient
from ops_client.store import PostgresStore
from ops_console.contract.models import Instance
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def client(dsn: str, service: str = "test") -> OpsClient:
    return OpsClient(dsn, service=service, poll_seconds=0.1, snapshot_path=None)


def add(store: PostgresStore, flags: list[str]) -> None:
    columns = {"variants": [""] * len(flags), "results": [True] * len(flags), "counts": [1] * len(flags)}
    store.execute("add_flag_usage", service="test", flags=flags, **columns)


def test_counts_of_many_processes_add_up(backend_dsn: str) -> None:
    """Two processes of one service add to one row an hour; another service has its own."""
    Flag.objects.create(name="player", everyone=True)
    for service in ("api", "api", "worker"):
        with client(backend_dsn, service) as ops:
            for _ in range(5):
                ops.flags.is_enabled("player")
    found = Usage.objects.order_by("service").values_list("flag", "service", "variant", "result", "count")
    assert list(found) == [("player", "api", "", True, 10), ("player", "worker", "", True, 5)]
    hour = Usage.objects.values_list("hour", flat=True).first()
    assert timezone.now() - timedelta(hours=1, minutes=1) < hour <= timezone.now()
    assert (hour.minute, hour.second) == (0, 0)


def test_counts_in_opposite_orders_never_deadlock(backend_dsn: str) -> None:
    """Processes that add to the same rows, each in an order of its own, all come through."""
    names = [f"flag-{number}" for number in range(300)]
    store = PostgresStore(backend_dsn, pool_size=6)
    with ThreadPoolExecutor(6) as threads:
        orders = [names, names[::-1]] * 15
        list(threads.map(lambda order: add(store, order), orders))
    store.close()
    assert set(Usage.objects.values_list("count", flat=True)) == {len(orders)}


def test_a_child_counts_for_itself(backend_dsn: str) -> None:
    """After a fork parent and child each send their own counts, none of them twice."""
    Flag.objects.create(name="player", everyone=True)
    with client(backend_dsn) as ops:
        assert ops.flags.is_enabled("player")
        child = os.fork()
        if child == 0:
            ops.flags.is_enabled("player")
            ops.flags.is_enabled("player")
            ops.close()
            os._exit(0)
        os.waitpid(child, 0)
    assert Usage.objects.get().count == 3


def test_presence_is_merged(backend_dsn: str) -> None:
    """A user whom two services see is one row: the newest sighting, and what both know."""
    store = PostgresStore(backend_dsn)
    for service, attributes in (("api", {"tier": "free", "country": "DE"}), ("worker", {"tier": "pro"})):
        store.execute("note_flag_presence", service=service, seen=[{"user_id": "7", "attributes": attributes}])
    store.close()
    person = Presence.objects.get()
    assert (person.user_id, person.service, person.attributes) == ("7", "worker", {"tier": "pro", "country": "DE"})


def test_presence_with_nothing_new_is_not_written_again(backend_dsn: str) -> None:
    """Somebody seen a moment ago with the same attributes costs no write; half a minute later they do."""
    store = PostgresStore(backend_dsn)
    seen = [{"user_id": "7", "attributes": {"tier": "pro"}}]
    assert [store.execute("note_flag_presence", service="test", seen=seen) for _ in range(2)] == [1, 0]
    Presence.objects.update(seen_at=timezone.now() - timedelta(seconds=31))
    assert store.execute("note_flag_presence", service="test", seen=seen) == 1
    store.close()


def test_a_client_tells_who_it_saw(backend_dsn: str) -> None:
    """A user asked about is in the table once the client has told."""
    Flag.objects.create(name="player", rules=[{"constraints": [{"field": "plan", "operator": "IN", "values": ["x"]}]}])
    with client(backend_dsn) as ops:
        ops.flags.is_enabled("player", {"user_id": "7", "plan": "x", "mail": "a@example.org"})
        ops.flags._send_presence()
        ops.flags.is_enabled("player", {"user_id": "8", "plan": "x", "tier": "pro", "mail": "a@example.org"})
    found = {person.user_id: person.attributes for person in Presence.objects.all()}
    assert set(found) == {"7", "8"}
    assert found["8"] == {"plan": "x", "tier": "pro"}


def test_a_process_reports_its_environment(backend_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instance's row says which flags its environment answers, and what had to be dropped."""
    monkeypatch.setenv("OPS_FLAG_NEW_PLAYER", "on")
    with client(backend_dsn) as ops:
        ops.start()
        ops.flags._usage.dropped = 3
        found = until(lambda: Instance.objects.filter(dropped={"flag_usage": 3}).first(), 5, "the report")
    assert found.flag_defaults == {"OPS_FLAG_NEW_PLAYER": "on"}
