"""Tracked operations: what a backend's role writes through the contract, and who is refused."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from incidents.operations import services
from incidents.operations.models import OperationMark, TrackedEvent, TrackedKind, TrackedOperation
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_client.clock import SystemClock
from ops_client.errors import InvalidInput, StoreUnavailable
from ops_client.operations import OperationLost, RetryCommand
from ops_client.operations.client import OperationsClient
from ops_client.operations.delivery import Delivery
from ops_client.part import Runtime
from ops_client.store import PostgresStore
from tests import database
from tests.people import actor

pytestmark = pytest.mark.usefixtures("committed")
KIND = "show_notes"


@pytest.fixture
def runtime(committed: None) -> Iterator[Runtime]:
    """A backend process whose role was granted the contract and nothing else; nothing runs in its background."""
    role = database.backend_role()
    store = PostgresStore(database.dsn(role))
    yield Runtime("podcast-test", SystemClock(), store, lambda: None)
    store.close()
    database.drop_role(role)


@pytest.fixture
def operations(runtime: Runtime) -> OperationsClient:
    return OperationsClient(runtime)


def row(operation_id: str = "one") -> TrackedOperation:
    return TrackedOperation.objects.get(kind=KIND, operation_id=operation_id)


def events(operation_id: str = "one") -> list[str]:
    found = TrackedEvent.objects.filter(kind=KIND, operation_id=operation_id).order_by("pk")
    return list(found.values_list("what", flat=True))


def beat(operations: OperationsClient) -> None:
    """What the client's background thread does every few seconds."""
    (job,) = operations.jobs()
    job.run()


def take_over(status: str = "failed") -> None:
    """What the release of an operator's action does to a tracked row."""
    TrackedOperation.objects.update(status=status)
    OperationMark.objects.update_or_create(kind=KIND, operation_id="one", defaults={"version": 1})


def test_start_progress_and_end(operations: OperationsClient) -> None:
    """The row says who works on what since when, how far it is, and how it ended."""
    about: dict[str, Any] = {"owner_id": "u1", "title": "Notes", "tier": "pro", "providers": ["gemini"]}
    with operations.track(KIND, "one", expected_seconds=30, payload={"a": 1}, worker="w1", **about) as operation:
        operation.progress(0.5, "asking gemini")
        beat(operations)
        seen = row()
        assert (seen.status, seen.attempt, seen.worker, seen.service) == ("running", 1, "w1", "podcast-test")
        assert (seen.progress_rate, seen.progress_note, seen.payload) == (0.5, "asking gemini", {"a": 1})
        assert (seen.expected_at - seen.started_at).total_seconds() == 30
        assert (seen.owner_id, seen.title, seen.tier, seen.providers) == ("u1", "Notes", "pro", ["gemini"])
    assert (row().status, row().progress_rate) == ("succeeded", 1)
    assert row().finished_at is not None
    assert events() == ["started", "succeeded"]


def test_a_heartbeat_moves_the_silence(operations: OperationsClient) -> None:
    """Each beat is one statement for everything under way, and marks what is past its usual time as slow."""
    with operations.track(KIND, "one", expected_seconds=60), operations.track(KIND, "two"):
        _age("heartbeat_at = now() - interval '1 hour', expected_at = now() - interval '1 hour'")
        beat(operations)
        silent = [(one.heartbeat_at.timestamp(), one.is_slow) for one in (row(), row("two"))]
        assert silent[0][0] == silent[1][0] > row().expected_at.timestamp() + 3000
        assert row().is_slow


def test_an_error_fails_it_with_its_group(operations: OperationsClient) -> None:
    """An exception fails the operation and goes on its way; equal errors share a group."""
    for name, number in (("one", 17), ("two", 3912)):
        with pytest.raises(RuntimeError), operations.track(KIND, name):
            raise RuntimeError(f"gemini answered {number}")
    one, two = row(), row("two")
    assert (one.status, one.error_type, one.error_message) == ("failed", "RuntimeError", "gemini answered 17")
    assert "test_tracking.py" in one.error_place
    assert one.error_group == two.error_group != ""


def test_a_queued_one_is_started_by_track(operations: OperationsClient) -> None:
    """Work that waits becomes the first attempt when it is started, under the same version."""
    assert operations.queue(KIND, "one", title="Notes")
    assert not operations.queue(KIND, "one")
    assert row().status == "queued"
    with operations.track(KIND, "one") as operation:
        assert (operation.attempt, operation.version) == (1, 0)
    assert events() == ["queued", "started", "succeeded"]


def test_a_worker_that_was_failed_is_told(operations: OperationsClient) -> None:
    """After an operator failed it, the heartbeat learns it, `progress` raises, and the late end changes nothing."""
    with pytest.raises(OperationLost) as told, operations.track(KIND, "one") as operation:
        take_over("failed")
        beat(operations)
        assert operation.lost
        operation.progress(0.9)
    assert (told.value.status, row().status) == ("failed", "failed")


def test_a_late_end_is_refused_and_kept(operations: OperationsClient) -> None:
    """A worker that hears nothing until its end is refused there; the timeline shows that it came."""
    with pytest.raises(OperationLost), operations.track(KIND, "one"):
        take_over("queued")
    assert row().status == "queued"
    assert events() == ["started", "refused"]


def test_the_works_own_error_is_not_hidden(operations: OperationsClient) -> None:
    """Work that fails after it was taken away raises its own error."""
    with pytest.raises(ZeroDivisionError), operations.track(KIND, "one"):
        take_over("failed")
        raise ZeroDivisionError
    assert row().error_type == ""


def test_a_retry_is_the_next_attempt(operations: OperationsClient) -> None:
    """The version of the command starts it once: an older one, and the same a second time, are refused."""
    with pytest.raises(OperationLost), operations.track(KIND, "one") as old:
        take_over("queued")
        with operations.track(KIND, "one", version=1) as new:
            assert (new.version, new.attempt, row().status) == (1, 2, "running")
            beat(operations)
            assert old.lost and not new.lost
    for version in (0, 1):
        with pytest.raises(OperationLost), operations.track(KIND, "one", version=version):
            pytest.fail("must not begin")
    assert row().status == "succeeded"


def test_the_newest_start_holds_it(operations: OperationsClient) -> None:
    """A start without a version takes the operation over and raises its version."""
    with pytest.raises(OperationLost), operations.track(KIND, "one"), operations.track(KIND, "one") as second:
        assert (second.version, second.attempt) == (1, 2)
    assert events() == ["started", "started", "succeeded", "refused"]


def test_a_start_waits_for_the_release_that_is_under_way(operations: OperationsClient) -> None:
    """A start that meets a release in its transaction sees what the release has decided."""
    operations.queue(KIND, "one")
    begun, released = threading.Event(), []

    def start() -> None:
        begun.set()
        with operations.track(KIND, "one") as operation:
            released.append(operation.version)

    worker = threading.Thread(target=start)
    other = database.dsn()
    with psycopg.connect(other) as release:
        release.execute("UPDATE ops.operations_trackedoperation SET status = 'queued'")
        release.execute(
            "INSERT INTO ops.operations_operationmark (kind, operation_id, version) VALUES (%s, 'one', 1)", [KIND]
        )
        worker.start()
        begun.wait()
    worker.join()
    assert released == [1]


def test_resources_are_recorded_before_and_freed_after(operations: OperationsClient) -> None:
    """They stand in the row before they are used, and are freed newest first after the end."""
    freed: list[str] = []

    def free(uri: str) -> None:
        assert row().status == "succeeded"
        freed.append(uri)

    with operations.track(KIND, "one") as operation:
        for uri in ("gs://work/a", "gs://work/b"):
            operation.temporary(uri, free)
        assert [kept["uri"] for kept in row().resources] == ["gs://work/a", "gs://work/b"]
    assert freed == ["gs://work/b", "gs://work/a"]
    assert row().resources == []


def test_what_cannot_be_freed_stays_recorded(operations: OperationsClient) -> None:
    """A resource whose freeing fails, and one that nobody frees, wait in the row for the backend's handlers."""

    def fail(uri: str) -> None:
        raise OSError("bucket is away")

    with operations.track(KIND, "one") as operation:
        operation.temporary("gs://work/a", fail)
        operation.temporary("gs://work/b")
    assert [kept["uri"] for kept in row().resources] == ["gs://work/a", "gs://work/b"]


def test_a_new_attempt_keeps_what_the_old_left(operations: OperationsClient) -> None:
    """Resources of a dead worker are not forgotten when the next attempt records its own."""
    operations.track(KIND, "one").start()
    TrackedOperation.objects.update(resources=[{"uri": "gs://work/old", "added_at": 0}])
    with operations.track(KIND, "one") as operation:
        operation.temporary("gs://work/new")
        assert [kept["uri"] for kept in row().resources] == ["gs://work/old", "gs://work/new"]


def test_a_lost_worker_gets_no_resource(operations: OperationsClient) -> None:
    """Nothing is recorded, and so nothing should be used, by a worker that lost the operation."""
    with pytest.raises(OperationLost), operations.track(KIND, "one") as operation:
        take_over("failed")
        operation.temporary("gs://work/late")
    assert row().resources == []


def test_async_work(operations: OperationsClient) -> None:
    """`async with` does the same, off the event loop."""

    async def work() -> None:
        async with operations.track(KIND, "one") as operation:
            operation.progress(0.2)

    asyncio.run(work())
    assert row().status == "succeeded"


def test_without_the_database_work_goes_on(operations: OperationsClient, runtime: Runtime) -> None:
    """Start and end are written when the database is back, with the time at which it really began."""
    there, runtime.store = runtime.store, PostgresStore("host=/nowhere dbname=none")
    with operations.track(KIND, "one", expected_seconds=5) as operation:
        operation.temporary("gs://work/a")
        with pytest.raises(StoreUnavailable):
            beat(operations)
    runtime.store.close()
    operation._store = runtime.store = there
    beat(operations)
    assert (row().status, events()) == ("succeeded", ["started", "succeeded"])
    assert row().started_at < row().finished_at
    beat(operations)
    assert events() == ["started", "succeeded"]


def test_ids_are_unique_among_kinds(operations: OperationsClient) -> None:
    """An id that another kind has already is refused by name: nothing of the other is touched."""
    with operations.track(KIND, "one"):
        with pytest.raises(InvalidInput, match="is a show_notes already"):
            operations.track("cover_art", "one").start()
        assert (row().attempt, row().version) == (1, 0)


def test_the_kind_is_registered(operations: OperationsClient) -> None:
    """The newest start says the kind's limit and its providers."""
    with operations.track(KIND, "one", dead_after_seconds=90, providers=["gemini"]):
        kind = TrackedKind.objects.get()
    assert (kind.kind, kind.dead_after_seconds, kind.providers, kind.service) == (KIND, 90, ["gemini"], "podcast-test")


@pytest.mark.parametrize(
    ("field", "about"),
    [
        ("kind", {"kind": ""}),
        ("kind", {"kind": "k" * 61}),
        ("operation_id", {"operation_id": "a\0b"}),
        ("expected_seconds", {"expected_seconds": 0}),
        ("dead_after_seconds", {"dead_after_seconds": 5}),
        ("operation_id", {"operation_id": "caf\udce9.wav"}),
        ("expected_seconds", {"expected_seconds": float("nan")}),
        ("expected_seconds", {"expected_seconds": 1e300}),
        ("dead_after_seconds", {"dead_after_seconds": 2**31}),
        ("payload", {"payload": {"a": object()}}),
    ],
)
def test_bad_input_names_its_field(operations: OperationsClient, field: str, about: dict[str, Any]) -> None:
    """What cannot be kept is refused before the work begins."""
    with pytest.raises(InvalidInput) as refusal:
        operations.track(**{"kind": KIND, **about})
    assert refusal.value.field == field


def _age(assignments: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE ops.operations_trackedoperation SET {assignments}")


def test_a_retry_reaches_the_handler_with_a_new_version(operations: OperationsClient, runtime: Runtime) -> None:
    """From a dead worker to the next attempt: action, outbox, handler, `track` with the command's version."""
    operations.queue(KIND, "one", payload={"episode": "e1"})
    with pytest.raises(OperationLost), operations.track(KIND, "one") as old:
        _age("heartbeat_at = now() - interval '1 hour'")
        services.start(actor(), Scope(kind=KIND, ids=("one",)), "retry", "its worker is gone")
        release_due()
        taken: list[RetryCommand] = []

        def again(command: RetryCommand) -> None:
            taken.append(command)
            with operations.track(KIND, command.operation_id, version=command.version) as operation:
                beat(operations)
                assert (operation.attempt, old.lost) == (2, True)

        assert Delivery(runtime.store, {f"{KIND}.retry": again}).deliver_one()
    (command,) = taken
    assert (command.version, command.payload) == (1, {"episode": "e1"})
    assert (row().status, row().attempt) == ("succeeded", 2)
    assert events() == ["queued", "started", "started", "succeeded"]
