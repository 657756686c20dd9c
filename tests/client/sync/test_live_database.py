"""Following over a real PostgreSQL: a toggle is heard, a cut line is survived, a fork is noticed."""

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest

from flags.models import Flag
from ops_client import OpsClient
from ops_client.errors import StoreUnavailable
from ops_client.store import PostgresStore
from ops_console.contract.models import Instance
from tests import database
from tests.proxy import Line, tcp_line
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def line(backend_dsn: str) -> Iterator[Line]:
    found = psycopg.conninfo.conninfo_to_dict(backend_dsn)
    with tcp_line(f"{found['host']}/.s.PGSQL.{found.get('port') or 5432}") as made:
        yield made


def by_tcp(dsn: str, line: Line) -> str:
    return psycopg.conninfo.make_conninfo(dsn, host="127.0.0.1", port=line.port)


def client(dsn: str, **options: object) -> OpsClient:
    return OpsClient(dsn, service="test", snapshot_path=None, **options)  # type: ignore[arg-type]


def test_a_toggle_is_heard_long_before_the_poll(backend_dsn: str) -> None:
    """With a poll that never comes, a change still arrives: it was listened for."""
    flag = Flag.objects.create(name="x", everyone=False)
    with client(backend_dsn, poll_seconds=600) as ops:
        until(lambda: listeners(backend_dsn) == 1, 5, "the listener")
        assert not ops.flags.is_enabled("x")
        Flag.objects.filter(pk=flag.pk).update(everyone=True)
        until(lambda: ops.flags.is_enabled("x"), 5, "the toggle")


def test_a_toggle_is_polled_where_nothing_can_be_heard(backend_dsn: str) -> None:
    """With listening off, as behind a transaction pooler, the poll brings the change."""
    flag = Flag.objects.create(name="x", everyone=False)
    with client(backend_dsn, listen=False, poll_seconds=0.1) as ops:
        assert not ops.flags.is_enabled("x")
        Flag.objects.filter(pk=flag.pk).update(everyone=True)
        until(lambda: ops.flags.is_enabled("x"), 5, "the toggle")
        assert listeners(backend_dsn) == 0


def test_cut_connections_are_made_again(backend_dsn: str) -> None:
    """When the server ends every connection of a client, it goes on following by itself."""
    flag = Flag.objects.create(name="x", everyone=False)
    with client(backend_dsn, poll_seconds=0.2) as ops:
        assert not ops.flags.is_enabled("x")
        kill_connections(backend_dsn)
        Flag.objects.filter(pk=flag.pk).update(everyone=True)
        until(lambda: ops.flags.is_enabled("x"), 10, "the toggle after the cut")
        until(lambda: listeners(backend_dsn) == 1, 10, "the new listener")


def test_a_line_that_dies_silently_is_noticed(backend_dsn: str, line: Line) -> None:
    """Lines that are dead but open keep nobody waiting for ever: the poll goes another way."""
    flag = Flag.objects.create(name="x", everyone=False)
    store = PostgresStore(by_tcp(backend_dsn, line), statement_timeout_seconds=0.4)
    with client("", store=store, poll_seconds=0.3) as ops:
        until(lambda: listeners(backend_dsn) == 1, 5, "the listener")
        assert not ops.flags.is_enabled("x")
        line.cut()
        Flag.objects.filter(pk=flag.pk).update(everyone=True)
        until(lambda: ops.flags.is_enabled("x"), 10, "the poll")
        assert not ops.status()["stale"]


def test_a_listener_that_is_deaf_is_replaced(backend_dsn: str, line: Line) -> None:
    """A change that the poll found and the listener did not has another connection listen, which hears the next one."""
    flag = Flag.objects.create(name="x", everyone=False)
    store = HalfByTcp(backend_dsn, by_tcp(backend_dsn, line))
    with client("", store=store, poll_seconds=0.3) as ops:
        until(lambda: listeners(backend_dsn) == 1, 5, "the listener")
        assert not ops.flags.is_enabled("x")
        line.cut()
        # The first may count as heard, since whoever begins to listen looks at once; the second cannot.
        for everyone in (True, False):
            Flag.objects.filter(pk=flag.pk).update(everyone=everyone)
            until(lambda wanted=everyone: ops.flags.is_enabled("x") is wanted, 5, "the poll")
        until(lambda: line.connections == 2, 5, "the new listener")


def test_a_long_version_hides_no_process(backend_dsn: str) -> None:
    """A process whose version or service name is longer than its column reports itself all the same."""
    with OpsClient(backend_dsn, service="s" * 150, version="v" * 90, snapshot_path=None) as ops:
        until(lambda: Instance.objects.filter(pk=ops.runtime.instance_id).exists(), 5, "the report")


def test_a_server_that_may_not_write_is_as_good_as_away(backend_dsn: str) -> None:
    """In the middle of a failover a write fails as with the database gone, so that failure policies answer."""
    store = PostgresStore(backend_dsn)
    with pytest.raises(StoreUnavailable), store.transaction() as transaction:
        transaction._connection.execute("SET TRANSACTION READ ONLY")
        transaction.execute("operation_heartbeat", kind="any", operation_id="1")
    store.close()


def test_a_forked_child_follows_by_itself(backend_dsn: str) -> None:
    """A client used before a fork works in the child under an id of its own, and goes on in the parent."""
    Flag.objects.create(name="x", everyone=True)
    with client(backend_dsn, poll_seconds=0.2) as ops:
        assert ops.flags.is_enabled("x")
        child = os.fork()
        if child == 0:
            ok = ops.flags.is_enabled("x") and ops.status()["source"] == "database"
            ops.close()
            os._exit(0 if ok else 1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        Flag.objects.update(everyone=False)
        until(lambda: not ops.flags.is_enabled("x"), 5, "the parent's next change")
    with psycopg.connect(backend_dsn) as connection:
        pids = connection.execute("SELECT pid FROM ops_v1.instance").fetchall()
    assert {pid for (pid,) in pids} == {os.getpid(), child}


def test_each_process_reports_what_it_has_applied(backend_dsn: str) -> None:
    """The instance's row names the service and follows the revision."""
    Flag.objects.create(name="x")
    with client(backend_dsn, version="7.1") as ops, psycopg.connect(backend_dsn, autocommit=True) as connection:
        assert not ops.flags.is_enabled("x")
        Flag.objects.update(everyone=True)
        question = "SELECT i.service, i.version, i.revision = r.revision FROM ops_v1.instance i, ops_v1.revision r"
        until(lambda: connection.execute(question).fetchall() == [("test", "7.1", True)], 10, "the report")


class HalfByTcp(PostgresStore):
    """Listens over one line and asks over another."""

    def __init__(self, dsn: str, listening_dsn: str) -> None:
        super().__init__(dsn, direct_dsn=listening_dsn)


def listeners(dsn: str) -> int:
    role = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
    with psycopg.connect(database.dsn()) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s AND query LIKE 'LISTEN%%'", [role]
        ).fetchone()
    assert found
    return int(found[0])


def kill_connections(dsn: str) -> None:
    role = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.fetch("revision"),
        lambda store: store.execute("revision"),
        lambda store: store.snapshot(["revision"]),
        lambda store: store.transaction().__enter__(),
        lambda store: store.wait_for_revision(0.1),
    ],
)
def test_nothing_waits_for_ever_on_a_silent_database(backend_dsn: str, line: Line, call: Callable[..., object]) -> None:
    """Neither on a connection that stood nor on a new one, which is accepted and never answered."""
    store = PostgresStore(by_tcp(backend_dsn, line), statement_timeout_seconds=0.2)
    store.fetch("revision")
    line.silence()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            call(store)
    store.close()
