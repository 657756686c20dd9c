"""Several people at the same operations at once: each row is changed once, and each is told what came of theirs."""

import threading

import psycopg
import pytest
from django.db import connection

from benchmarks.victims import make_victims
from incidents.operations import services
from incidents.operations.models import Action, Command, OperationMark
from incidents.operations.progress import action_progress
from incidents.operations.release import release_action
from incidents.operations.scope import Scope
from incidents.sweep import services as sweeping
from incidents.sweep.models import Run
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests import database
from tests.people import actor
from tests.waiting import until

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("committed")]
KIND = "episode_assembly"
HEARD_OF = """
INSERT INTO ops.operations_operationmark (kind, operation_id, heartbeat_at)
SELECT %s, id::text, now() - interval '150 minutes' FROM public.episode
"""
LOCK = "SELECT id::text FROM public.episode ORDER BY processed_at LIMIT 30 FOR UPDATE"


def victims(number: int) -> None:
    with connection.cursor() as cursor:
        make_victims(cursor, number)


def start(verb: str, name: str = "") -> Action:
    return services.start(actor(name=name), Scope(KIND), verb, f"{name or 'oscar'} said so")


def released(action: Action) -> threading.Thread:
    """The action in the hands of a worker of its own, by a connection of its own."""

    def work() -> None:
        release_action(action.pk)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def statuses() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text, count(*) FROM public.episode GROUP BY 1")
        return dict(cursor.fetchall())


def test_two_operators_on_the_same_set() -> None:
    """One retries what the other fails, at once: each row is changed by one of them, and the other is told of it."""
    victims(4_000)
    retry, fail = start("retry", "oscar"), start("fail", "olga")
    for thread in [released(retry), released(fail)]:
        thread.join(120)
    retried, failed = action_progress(retry.pk), action_progress(fail.pk)
    assert retried.changed + failed.changed == 4_000
    assert (retried.finished_meanwhile, failed.finished_meanwhile) == (failed.changed, retried.changed)
    assert statuses() == {
        name: number for name, number in (("processing", retried.changed), ("error", failed.changed)) if number
    }
    assert OperationMark.objects.filter(version=1, action_ids__len=1).count() == 4_000
    commanded = [one for command in Command.objects.all() for one in command.operation_ids]
    assert len(commanded) == len(set(commanded)) == retried.changed
    assert {outcome.operation_id for outcome in fail.outcomes.all()} == set(commanded)


def test_a_cancel_in_the_middle() -> None:
    """What is done stays done and is counted, in row, outcome and audit; the rest is as it was."""
    victims(8_000)
    action = start("fail")
    thread = released(action)
    until(lambda: action_progress(action.pk).changed, 60, "the first slice")
    services.cancel(actor(name="olga"), action.pk)
    thread.join(60)
    found = action_progress(action.pk)
    assert (found.action.state, found.changed + found.left) == ("cancelled", 8_000)
    assert found.left
    assert statuses() == {"error": found.changed, "processing": found.left}
    audited = Entry.objects.filter(action="operations.release").values_list("after", flat=True)
    assert sum(after["changed"] for after in audited) == found.changed
    assert release_action(action.pk) == 0


def test_rows_in_other_hands_are_reported() -> None:
    """What another process holds is reported as locked, the rest is failed without a wait; a second bulk gets it."""
    victims(3_000)
    action = start("fail")
    with psycopg.connect(database.dsn()) as other:
        held = {one for (one,) in other.execute(LOCK)}
        release_action(action.pk)
    found = action_progress(action.pk)
    assert (found.action.state, found.changed, found.locked) == ("done", 2_970, 30)
    assert {(one.operation_id, one.outcome) for one in action.outcomes.all()} == {(one, "locked") for one in held}
    again = start("fail")
    release_action(again.pk)
    assert (again.total, action_progress(again.pk).changed) == (30, 30)


def test_a_fleet_that_went_silent_is_not_failed() -> None:
    """4,000 assemblies whose workers were all heard of and all went silent: armed or not, the sweep fails none."""
    victims(4_000)
    with connection.cursor() as cursor:
        cursor.execute(HEARD_OF, [KIND])
    sweeping.arm(actor(Role.ADMIN), KIND, 10_000, "so many are usual here")
    run = sweeping.sweep(KIND)
    assert (run.result, run.dead) == (Run.Result.MASS_STOP, 4_000), run.detail
    assert "gone silent" in run.detail
    assert statuses() == {"processing": 4_000} and not Action.objects.exists()
