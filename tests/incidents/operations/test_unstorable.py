"""Text that PostgreSQL cannot store, from a backend: no work stops, and no other operation falls silent."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from incidents.operations.models import TrackedOperation
from ops_client import OpsClient
from ops_client.errors import InvalidInput, StoreBusy, StoreRefused, StoreUnavailable
from ops_client.store import PostgresStore
from tests import database

pytestmark = pytest.mark.usefixtures("committed")
KIND = "show_notes"
SURROGATE = b"caf\xe9.wav".decode("utf-8", "surrogateescape")
SHOWN = "caf\N{REPLACEMENT CHARACTER}.wav"


@pytest.fixture
def ops(committed: None) -> Iterator[OpsClient]:
    """A client whose background is run by hand."""
    role = database.backend_role()
    client = OpsClient(database.dsn(role), service=f"service\0{SURROGATE}", snapshot_path=None)
    client.runtime.wake = lambda: None
    yield client
    client.close()
    client.runtime.store.close()
    database.drop_role(role)


def beat(ops: OpsClient) -> None:
    (job,) = ops.operations.jobs()
    job.run()


def row(operation_id: str) -> TrackedOperation:
    return TrackedOperation.objects.get(operation_id=operation_id)


def silence() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ops.operations_trackedoperation SET heartbeat_at = now() - interval '1 hour'")


def test_one_progress_note_silences_no_other(ops: OpsClient) -> None:
    """Two operations in one process, one with a note that cannot be stored: the heartbeats of both are written."""
    with ops.operations.track(KIND, "healthy"), ops.operations.track(KIND, "odd") as odd:
        silence()
        odd.progress(0.5, SURROGATE)
        beat(ops)
        for name in ("healthy", "odd"):
            assert row(name).heartbeat_at > row(name).started_at
        assert (row("odd").progress_rate, row("odd").progress_note) == (0.5, SHOWN)
    assert ops.status()["replaced"] > 0


def test_a_title_does_not_block_the_ends_behind_it(ops: OpsClient) -> None:
    """Begun and ended while the database was unreachable: the end is written, and so are those behind it."""
    fetch = ops.runtime.store.fetch
    ops.runtime.store.fetch = _unreachable  # type: ignore[method-assign]
    with ops.operations.track(KIND, "odd", title=SURROGATE), ops.operations.track(KIND, "healthy"):
        pass
    ops.runtime.store.fetch = fetch  # type: ignore[method-assign]
    beat(ops)
    assert {(one.operation_id, one.status) for one in TrackedOperation.objects.all()} == {
        ("odd", "succeeded"),
        ("healthy", "succeeded"),
    }


@pytest.mark.parametrize("bad", ["nul\0", "half\ud83d", SURROGATE])
def test_work_runs_whatever_describes_it(ops: OpsClient, bad: str) -> None:
    """`track` and `queue` replace what cannot be stored in title, owner, tier, worker, providers, payload and URIs."""
    about: dict[str, Any] = {"title": bad, "owner_id": bad, "tier": bad, "providers": [bad], "payload": {bad: [bad]}}
    good = bad.replace("\0", "\ufffd").encode("utf-8", "replace").decode().replace("?", "\ufffd")
    freed: list[str] = []
    with ops.operations.track(KIND, "tracked", worker=bad, **about) as operation:
        operation.temporary(bad, freed.append)
        assert row("tracked").resources[0]["uri"] == good
    assert ops.operations.queue(KIND, "queued", **about)
    for one in (row("tracked"), row("queued")):
        assert (one.title, one.owner_id, one.tier, one.providers) == (good, good, good, [good])
        assert one.payload == {good: [good]}
    assert (row("tracked").status, row("tracked").worker, freed) == ("succeeded", good, [bad])


def test_numbers_that_json_does_not_know_are_left_out(ops: OpsClient) -> None:
    """NaN and infinity in a payload become None."""
    with ops.operations.track(KIND, "one", payload={"a": float("nan"), "b": [float("inf"), 1.5]}):
        pass
    assert row("one").payload == {"a": None, "b": [None, 1.5]}


def test_an_error_whose_text_cannot_be_stored_is_recorded(ops: OpsClient) -> None:
    """The failure is kept with what of its message can be; an exception that cannot describe itself fails it too."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    for name, error in (("odd", ValueError(f"no file {SURROGATE}\0")), ("broken", Broken())):
        with pytest.raises(type(error)), ops.operations.track(KIND, name):
            raise error
    assert row("odd").error_message == f"no file {SHOWN}\N{REPLACEMENT CHARACTER}"
    assert (row("broken").status, "Broken" in row("broken").error_type) == ("failed", True)


def test_what_the_database_refuses_runs_unseen(ops: OpsClient) -> None:
    """A start that the database refuses for any other reason is counted; the work runs, and others are seen."""
    with ops.operations.track(KIND, "refused", version=2**40) as operation, ops.operations.track(KIND, "healthy"):
        operation.progress(0.5)
        operation.temporary("file:///tmp/a")
        beat(ops)
    assert list(TrackedOperation.objects.values_list("operation_id", "status")) == [("healthy", "succeeded")]
    assert ops.status()["dropped"] == {"operations": 1}


def test_the_store_names_what_it_refused(ops: OpsClient) -> None:
    """No driver error leaves the store: one typed error for every value that the database cannot take."""
    for params in (
        {"kind": KIND, "operation_id": "\0"},
        {"kind": KIND, "operation_id": "\ud800"},
        {"kind": KIND, "operation_id": object()},
        {"kind": KIND, "operation_id": {"nested": {1, 2}}},
        {"kind": "k" * 5_000, "operation_id": "one"},
    ):
        with pytest.raises(StoreRefused, match="operation_heartbeat"):
            ops.runtime.store.execute("operation_heartbeat", **params)
    ops.operations.heartbeat(KIND, "\0")
    assert ops.status()["dropped"] == {"operations": 1}
    ops.runtime.store.execute("operation_heartbeat", kind=KIND, operation_id="one")


def test_a_process_reports_itself_whatever_its_texts(ops: OpsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Service, version, host, flag defaults and problems: none of them keeps the process from the System page."""
    from ops_console.contract.models import Instance

    monkeypatch.setattr("socket.gethostname", lambda: SURROGATE)
    ops.version = SURROGATE.replace("\udce9", "\N{REPLACEMENT CHARACTER}")
    ops.flags.defaults.values = {"OPS_FLAG_X": SURROGATE}
    ops.quotas.told_off(SURROGATE)
    ops.runtime.started_at = ops.runtime.clock.now()
    ops._report()
    (instance,) = Instance.objects.all()
    assert (instance.service, instance.host) == (f"service\N{REPLACEMENT CHARACTER}{SHOWN}", SHOWN)
    assert (instance.flag_defaults, instance.problems[0]["message"]) == ({"OPS_FLAG_X": SHOWN}, SHOWN)


def test_a_locked_row_silences_no_other(ops: OpsClient) -> None:
    """A transaction that somebody left open on one operation holds up neither heartbeats nor ends of the others."""
    ops.runtime.store.close()
    store = ops.runtime.store = PostgresStore(ops.runtime.store._dsn, statement_timeout_seconds=0.3)
    owed = ops.operations.track(KIND, "locked-end")
    owed.start()
    with ops.operations.track(KIND, "healthy"), ops.operations.track(KIND, "locked") as locked:
        silence()
        with psycopg.connect(database.dsn()) as somebody:
            somebody.execute("SELECT FROM ops.operations_trackedoperation WHERE operation_id LIKE 'locked%' FOR UPDATE")
            owed.finish()
            behind = ops.operations.track(KIND, "behind")
            behind._store = _Away()
            behind.start()
            behind.finish()
            behind._store = store
            with pytest.raises(StoreUnavailable):
                beat(ops)
            assert row("healthy").heartbeat_at > row("healthy").started_at
            assert row("behind").status == "succeeded"
            assert not locked.lost
        beat(ops)
        assert (row("locked-end").status, row("locked").heartbeat_at > row("locked").started_at) == ("succeeded", True)


def test_locked_rows_hold_up_neither_other_ends_nor_starts(ops: OpsClient) -> None:
    """Three owed ends whose rows somebody holds are first in the queue: what stands behind them is written."""
    store, away = ops.runtime.store, _Away()
    for name in ("locked-1", "locked-2", "locked-3", "healthy"):
        owed = ops.operations.track(KIND, name)
        owed.start()
        owed._store = away
        owed.finish()
        owed._store = store
    new = ops.operations.track(KIND, "new")
    new._store = away
    new.start()
    new._store = store
    with psycopg.connect(database.dsn()) as somebody:
        somebody.execute("SELECT FROM ops.operations_trackedoperation WHERE operation_id LIKE 'locked%' FOR UPDATE")
        beat(ops)
        assert row("new").status == "running"
        beat(ops)
        assert row("healthy").status == "succeeded"
    for _ in range(2):
        beat(ops)
    assert {row(f"locked-{number}").status for number in (1, 2, 3)} == {"succeeded"}


@pytest.mark.parametrize("statement", ["operation_start", "operation_resources", "operation_finish"])
def test_a_write_does_not_wait_for_a_locked_row_until_its_statement_times_out(ops: OpsClient, statement: str) -> None:
    """The database answers that somebody holds the row, and the connection stays usable."""
    with ops.operations.track(KIND, "one") as held, psycopg.connect(database.dsn()) as somebody:
        somebody.execute("SELECT FROM ops.operations_trackedoperation FOR UPDATE")
        given = {**held._said, "version": 0, "worker": "w", "resources": [], "error": None}
        with pytest.raises(StoreBusy):
            ops.runtime.store.fetch(statement, operation=given)
        somebody.rollback()


@pytest.mark.parametrize("user_id", ["a\0", "\ud800"])
def test_an_id_that_no_database_holds_is_refused_by_name(ops: OpsClient, user_id: str) -> None:
    """An identity is not replaced: two users must not become one."""
    with pytest.raises(InvalidInput) as refusal:
        ops.quotas.hit("calls", user_id)
    assert refusal.value.field == "user_id"


class _Away:
    """A store that nobody reaches."""

    def fetch(self, *_: Any, **__: Any) -> Any:
        raise StoreUnavailable("away")


def _unreachable(*_: Any, **__: Any) -> Any:
    raise StoreUnavailable("away")
