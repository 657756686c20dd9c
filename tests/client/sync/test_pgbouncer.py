"""Through a real PgBouncer in transaction mode: the right statements run, limits hold, and changes arrive."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from flags.models import Flag
from ops_client import OpsClient
from ops_client.errors import CannotListen, StoreLate, StoreUnavailable
from ops_client.store import PostgresStore
from quotas.models import Resource
from tests.client.sync.test_live_database import listeners
from tests.pgbouncer import pgbouncer
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.pgbouncer]
# PgBouncer refuses unknown startup parameters, or ignores those that it is told to.
SETTINGS = [{}, {"ignore_startup_parameters": "options,extra_float_digits"}]
THREADS, ROUNDS = 12, 30


@pytest.fixture(params=SETTINGS, ids=["refusing", "ignoring"])
def pooled_dsn(request: pytest.FixtureRequest, backend_dsn: str) -> Iterator[str]:
    with pgbouncer(backend_dsn, **request.param) as dsn:
        yield dsn


@pytest.mark.parametrize("pooled", [None, True])
def test_every_call_runs_its_own_statement(pooled_dsn: str, pooled: bool | None) -> None:
    """1,080 calls of three kinds over two sessions: with prepared statements, one ran another's."""
    Flag.objects.create(name="x", everyone=True)
    Resource.objects.create(name="r", title="r", unit="u", kind="rate", window_seconds=3600, default_limit=10**6)
    store = PostgresStore(pooled_dsn, pooled=pooled, pool_size=6)

    def calls(thread: int) -> list[bool]:
        right = []
        for _ in range(ROUNDS):
            right.append(list(store.fetch("revision")[0]) == ["revision", "token"])
            usage = store.fetch("quota_usage", user_id=f"u{thread}", tier=None)
            right.append([row["resource"] for row in usage] == ["r"])
            right.append([row["name"] for row in store.snapshot(["flags", "revision"])["flags"]] == ["x"])
        return right

    with ThreadPoolExecutor(THREADS) as threads:
        counted = Counter(each for right in threads.map(calls, range(THREADS)) for each in right)
    store.close()
    assert counted == {True: THREADS * ROUNDS * 3}


def test_quotas_count_exactly(pooled_dsn: str) -> None:
    """The statement of a request's limit, many at once: as many pass as the limit says."""
    Resource.objects.create(name="r", title="r", unit="u", kind="rate", window_seconds=3600, default_limit=20)
    with client(pooled_dsn) as ops, ThreadPoolExecutor(THREADS) as threads:
        decisions = list(threads.map(lambda _: ops.quotas.hit("r", "u1").allowed, range(60)))
    assert sum(decisions) == 20


def test_changes_are_polled_and_nothing_listens(pooled_dsn: str, backend_dsn: str) -> None:
    """Without any setting: a session that listened would go on doing so for other clients of the pooler."""
    flag = Flag.objects.create(name="x", everyone=False)
    with client(pooled_dsn, poll_seconds=0.1) as ops:
        assert not ops.flags.is_enabled("x")
        until(lambda: not ops.status()["listening"], 5, "the detection")
        Flag.objects.filter(pk=flag.pk).update(everyone=True)
        until(lambda: ops.flags.is_enabled("x"), 5, "the poll")
        assert (listeners(backend_dsn), ops.status()["stale"]) == (0, False)


@pytest.mark.parametrize("given", ["argument", "environment"])
def test_a_direct_address_is_listened_on(
    pooled_dsn: str, backend_dsn: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a poll that never comes, a change still arrives: it was heard beside the pooler."""
    flag = Flag.objects.create(name="x", everyone=False)
    if given == "environment":
        monkeypatch.setenv("DATABASE_DIRECT_URL", backend_dsn)
    direct = backend_dsn if given == "argument" else None
    with client(pooled_dsn, poll_seconds=600, direct_dsn=direct) as ops:
        assert not ops.flags.is_enabled("x")
        until(lambda: listeners(backend_dsn) == 1, 5, "the listener")
        Flag.objects.filter(pk=flag.pk).update(everyone=True)
        until(lambda: ops.flags.is_enabled("x"), 5, "the toggle")


def test_limits_hold_in_each_transaction_and_stay_in_it(pooled_dsn: str) -> None:
    """A slow statement is cancelled by the server; what the next client of its session finds is the server's own."""
    store = PostgresStore(pooled_dsn, statement_timeout_seconds=0.2)
    with pytest.raises(StoreUnavailable, match="statement timeout"), store.transaction() as transaction:
        transaction._connection.execute("SELECT pg_sleep(20)")
    store.fetch("revision")
    with psycopg.connect(pooled_dsn, autocommit=True, prepare_threshold=None) as other:
        found = {other.execute("SHOW statement_timeout").fetchone() for _ in range(4)}
    store.close()
    # As the role's default has it, which a grant sets.
    assert found == {("1min",)}


def test_a_late_statement_is_given_up(pooled_dsn: str) -> None:
    """The caller's own time holds through the pooler too, and the next call finds a connection."""
    # Both of the pooler's sessions are taken: the third waits.
    store = PostgresStore(pooled_dsn)
    with store.transaction() as held:
        held.fetch("revision")
        with store.transaction() as also_held, pytest.raises(StoreLate):
            also_held.fetch("revision")
            store.fetch("revision", within_seconds=0.2)
    assert store.fetch("revision")
    store.close()


def test_without_a_direct_address_there_is_nothing_to_listen_on(pooled_dsn: str) -> None:
    """Whoever asks the store is told why, and which variable helps."""
    store = PostgresStore(pooled_dsn)
    with pytest.raises(CannotListen, match="DATABASE_DIRECT_URL"):
        store.wait_for_revision(0.1)
    store.close()


def client(dsn: str, **options: object) -> OpsClient:
    return OpsClient(dsn, service="test", snapshot_path=None, **options)  # type: ignore[arg-type]
