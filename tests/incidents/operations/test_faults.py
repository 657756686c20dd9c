"""Workers that are killed and a broker that is away: nothing is lost, and nothing happens twice."""

from collections import Counter
from typing import Any

import psycopg
import pytest
from django.db.models import Sum

from incidents.operations import services
from incidents.operations.models import Action, Chunk, Command, OperationMark
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from ops_console.celery import app
from tests import database
from tests.incidents.operations.conftest import make_episode, row_of, waits_for_a_lock
from tests.people import actor
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("committed")


@pytest.mark.process
def test_a_worker_killed_in_the_middle(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed with -9 between the writes of a chunk, the bulk goes on where it stopped, and does nothing twice."""
    monkeypatch.setattr("incidents.operations.freezing.CHUNK_SIZE", 25)
    made = [make_episode() for _ in range(150)]
    action = services.start(actor(), Scope(), "retry", "all of them")
    third = action.chunks.get(number=2)
    with psycopg.connect(database.dsn()) as other:
        # The worker writes this chunk's rows and then waits for us with its marks.
        other.execute(
            "INSERT INTO ops.operations_operationmark (kind, operation_id) VALUES (%s, %s)",
            [action.kind, third.operation_ids[7]],
        )
        process = worker()
        until(lambda: Chunk.objects.filter(state="done").count() == 2 and waits_for_a_lock(), 30)
        process.kill()
        process.wait()
        other.rollback()
    assert Command.objects.count() == 2
    until(lambda: release_due() is not None and Action.objects.get().state == "done")
    commanded = Counter(i for command in Command.objects.all() for i in command.operation_ids)
    assert set(commanded) == set(made) and set(commanded.values()) == {1}
    assert set(OperationMark.objects.values_list("version", flat=True)) == {1}
    assert Chunk.objects.aggregate(Sum("changed"))["changed__sum"] == 150


@pytest.mark.process
def test_two_workers_share_a_bulk(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes at one action release each chunk once."""
    monkeypatch.setattr("incidents.operations.freezing.CHUNK_SIZE", 10)
    made = [make_episode() for _ in range(200)]
    services.start(actor(), Scope(), "fail", "all of them")
    both = [worker(), worker()]
    assert [process.wait(30) for process in both] == [0, 0]
    until(lambda: release_due() is not None and Action.objects.get().state == "done")
    assert Chunk.objects.aggregate(Sum("changed"))["changed__sum"] == 200
    assert {row_of(one)["status"] for one in made} == {"error"}
    assert {row_of(one)["meta_json"].count("error_reason") for one in made} == {1}


def test_without_a_broker_rows_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Valkey away the operator's click is kept; the next release does it."""
    monkeypatch.setattr(app.conf, "broker_url", "redis+socket:///nowhere/valkey.sock")
    one = make_episode()
    action = services.start(actor(), Scope(), "fail", "gave up")
    assert Action.objects.get().state == "scheduled"
    assert release_due() == 1
    action.refresh_from_db()
    assert (action.state, row_of(one)["status"]) == ("done", "error")


def test_the_schedule_asks_every_few_seconds() -> None:
    """What was not announced is released by beat within seconds."""
    entry = app.conf.beat_schedule["incidents.operations.tasks.release_actions"]
    assert entry["schedule"] <= 5
