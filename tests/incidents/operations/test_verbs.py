"""What each verb does to a row, what it leaves alone, and how it is taken back."""

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from incidents.operations import queries, services
from incidents.operations.models import Action, Command, OperationMark
from incidents.operations.release import release_due, release_slice
from incidents.operations.scope import Scope
from incidents.operations.services import Options
from incidents.operations.timeline import timeline
from ops_client.testing import FakeClock
from ops_console.errors import Conflict, InvalidInput
from tests import database
from tests.incidents.operations.conftest import GOOD_META, USER, MakeEpisode, row_of, set_status
from tests.people import actor

pytestmark = pytest.mark.django_db
WAITING = json.dumps({"queued_for_worker": True, "assembly_payload": {"main_content_filename": "talk.wav"}})


def act(verb: str, *ids: str, state: str = "any", reason: str = "they know why", **options: Any) -> Action:
    """The action when all of it that could be released has been."""
    action = services.start(actor(), Scope(state=state, ids=ids or None), verb, reason, options=Options(**options))
    release_due()
    action.refresh_from_db()
    assert action.problem == ""
    return action


def outcome(action: Action, operation_id: str) -> str:
    return action.outcomes.get(operation_id=operation_id).detail


def test_resolved_is_done(episode: MakeEpisode) -> None:
    """A row whose result is there gets its done status, and its other columns stay."""
    one = episode(final_audio_path="final/one.mp3")
    act("resolve", one)
    assert (row_of(one)["status"], row_of(one)["meta_json"]) == ("processed", GOOD_META)


def test_nothing_is_done_without_its_result(episode: MakeEpisode) -> None:
    """A row without the file that a done one has is left, and the column is named."""
    one = episode()
    action = act("resolve", one)
    assert row_of(one)["status"] == "processing"
    assert outcome(action, one) == "final_audio_path is missing."


def test_snoozed_is_not_stuck_until_then(episode: MakeEpisode) -> None:
    """A snoozed row is nobody's trouble until its time has come; nothing of the row or its version changes."""
    one = episode()
    act("snooze", one, snooze_until=timezone.now() + timedelta(hours=1))
    assert queries.count(Scope()).number == 0
    assert OperationMark.objects.get().version == 0
    OperationMark.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))
    assert queries.count(Scope()).number == 1


def test_a_snooze_needs_a_moment_to_come(episode: MakeEpisode) -> None:
    """Without a time, or with one that is past, there is nothing to wait for."""
    one = episode()
    for until in (None, timezone.now() - timedelta(minutes=1)):
        with pytest.raises(InvalidInput) as refused:
            act("snooze", one, snooze_until=until)
        assert refused.value.field == "snooze_until"


def test_a_waiting_row_is_released(episode: MakeEpisode) -> None:
    """It is handed to the backend as what it waits for, and that is no retry of it."""
    one = episode(status="pending", meta_json=WAITING)
    act("release", one)
    command, mark = Command.objects.get(), OperationMark.objects.get()
    assert (row_of(one)["status"], command.verb, mark.attempts) == ("processing", "retry", 0)
    assert command.payloads[0]["main_content_filename"] == "talk.wav"


def test_only_what_failed_is_freed(episode: MakeEpisode) -> None:
    """Whatever runs keeps its files; of what failed the backend is told what it needs to find them."""
    running, failed = episode(), episode(status="error", working_audio_name="w.wav")
    action = act("free", running, failed)
    command = Command.objects.get()
    assert (command.verb, command.operation_ids) == ("free", [failed])
    assert command.payloads == [{"owner_id": USER, "working_audio_name": "w.wav"}]
    assert outcome(action, running) == "Status processing: only error, failed can be freed."


def test_resources_are_freed_last(episode: MakeEpisode, settings: Any) -> None:
    """A failure's command to free comes only after the time in which it can be taken back."""
    settings.RESOURCES_KEPT_SECONDS = 3600
    act("fail", episode(), frees=True)
    command = Command.objects.get()
    assert command.verb == "free"
    assert timedelta(minutes=59) < command.available_at - timezone.now() <= timedelta(hours=1)


@pytest.mark.parametrize("marked_up_to", [0, 20_000])
def test_a_bulk_is_taken_back_as_one(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch, marked_up_to: int) -> None:
    """Every row is as it was before, to the byte, and not stuck again at once, however large the bulk was."""
    monkeypatch.setattr("incidents.operations.writing.MARKED_UP_TO", marked_up_to)
    made = [
        episode(),
        episode(meta_json="{}"),
        episode(meta_json=None),
        episode(meta_json=""),
        episode(meta_json="odd"),
    ]
    made.append(episode(status="pending", meta_json=WAITING))
    before = [row_of(one) for one in made]
    failed = act("fail", *made, frees=True)
    assert {row_of(one)["status"] for one in made} == {"error"}
    action = services.take_back(actor(), failed.pk, "the host came back")
    release_due()
    assert [row_of(one) for one in made] == before
    assert (Action.objects.get(pk=action.pk).takes_back, queries.count(Scope()).number) == (failed, 0)


@pytest.mark.parametrize("marked_up_to", [0, 20_000])
def test_taking_back_leaves_what_moved_on(
    episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch, marked_up_to: int
) -> None:
    """What a person has done since stays done, and a row that another action changed is left to it."""
    monkeypatch.setattr("incidents.operations.writing.MARKED_UP_TO", marked_up_to)
    gone, retried, plain = episode(), episode(), episode()
    failed = act("fail", gone, retried, plain)
    set_status(gone, "published")
    act("retry", retried)
    action = services.take_back(actor(), failed.pk, "the host came back")
    release_due()
    assert [row_of(one)["status"] for one in (gone, retried, plain)] == ["published", "processing", "processing"]
    assert outcome(action, retried).startswith(("Its status is", "Another action"))


def test_what_is_carried_out_is_not_taken_back(episode: MakeEpisode) -> None:
    """A retry that the backend has taken up goes on; one that still waits is taken back, and its command is void."""
    taken, waiting = episode(status="error"), episode(status="error")
    retried = act("retry", taken, waiting)
    OperationMark.objects.filter(operation_id=taken).update(handled_version=1)
    action = services.take_back(actor(), retried.pk, "not yet")
    release_due()
    assert (row_of(taken)["status"], row_of(waiting)["status"]) == ("processing", "error")
    assert outcome(action, taken) == "Its backend has carried it out already."
    assert OperationMark.objects.get(operation_id=waiting).version == 2


def test_taking_back_waits_for_the_end(episode: MakeEpisode) -> None:
    """What still goes on is cancelled first; what was a taking back is not taken back."""
    failed = act("fail", episode())
    Action.objects.update(state="running")
    with pytest.raises(Conflict):
        services.take_back(actor(), failed.pk, "why")
    Action.objects.update(state="done", verb="take_back")
    with pytest.raises(InvalidInput):
        services.take_back(actor(), failed.pk, "why")


def test_too_many_retries_are_quarantined(episode: MakeEpisode, settings: Any) -> None:
    """A bulk leaves alone what has been retried too often; a person who looks at it may retry it by itself."""
    settings.OPERATION_MOST_ATTEMPTS = 2
    worn, fresh = episode(), episode()
    OperationMark.objects.create(kind="episode_assembly", operation_id=worn, attempts=2)
    bulk = act("retry", worn, fresh)
    assert outcome(bulk, worn).startswith("Quarantined after 2 retries")
    assert act("retry", worn).chunks.get().changed == 1


def test_a_canary_goes_first(episode: MakeEpisode) -> None:
    """Ten are released, then the action waits for a person, then the rest follows."""
    for _ in range(13):
        episode()
    action = act("fail", state="stuck", canary=True)
    assert (action.state, action.chunks.filter(changed__gt=0).count()) == ("paused", 1)
    assert queries.count(Scope()).number == 3
    services.resume(actor(), action.pk)
    release_due()
    action.refresh_from_db()
    assert (action.state, queries.count(Scope()).number) == ("done", 0)


def test_a_slow_canary_is_ten_all_the_same(episode: MakeEpisode) -> None:
    """A rate below ten a second lets fewer go at first; the pause comes when all ten have gone."""
    for _ in range(13):
        episode()
    action = act("fail", state="stuck", canary=True, rate_per_second=4)
    assert (action.state, _released(action)) == ("running", 4)
    Action.objects.update(paced_at=timezone.now() - timedelta(seconds=5))
    release_due()
    action.refresh_from_db()
    assert (action.state, _released(action)) == ("paused", 10)


@pytest.mark.usefixtures("committed")
def test_a_canary_is_one_workers_alone(episode: MakeEpisode) -> None:
    """While one worker releases the first ten, no other releases, or waits to release, what comes after them."""
    for _ in range(13):
        episode()
    action = services.start(actor(), Scope(), "fail", "they know why", options=Options(canary=True))
    Action.objects.update(state="running", started_at=timezone.now())
    with psycopg.connect(database.dsn()) as first, connection.cursor() as cursor:
        first.execute("SELECT FROM ops.operations_action WHERE id = %s FOR NO KEY UPDATE", [action.pk])
        cursor.execute("SET lock_timeout = '5s'")
        assert release_slice(action.pk) is False
        cursor.execute("RESET lock_timeout")
    assert release_slice(action.pk) is True
    action.refresh_from_db()
    assert (action.state, _released(action)) == ("paused", 10)


def test_a_rate_is_kept(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the rate allows goes out at once; what time has passed, and a new rate, let more go."""
    for _ in range(30):
        episode()
    action = act("retry", state="stuck", rate_per_second=4)
    assert (action.state, _released(action)) == ("running", 4)
    action.refresh_from_db()
    assert action.paced_at is not None
    clock = FakeClock(action.paced_at)
    monkeypatch.setattr("incidents.operations.pacing.timezone", clock)
    release_due()
    assert _released(action) == 4
    clock.advance(2)
    release_due()
    assert 4 < _released(action) <= 12
    services.set_rate(actor(), action.pk, None)
    release_due()
    action.refresh_from_db()
    assert (action.state, _released(action)) == ("done", 30)


@pytest.mark.parametrize("rate", [0, -1, 10_001])
def test_a_rate_that_cannot_be(episode: MakeEpisode, rate: float) -> None:
    """Nothing, less than nothing and more than can be are refused, naming the field."""
    with pytest.raises(InvalidInput) as refused:
        act("retry", episode(), rate_per_second=rate)
    assert refused.value.field == "rate_per_second"


def test_retries_wait_for_the_breaker(episode: MakeEpisode) -> None:
    """While the breaker of a provider that they need is open nothing goes out, and the action says so."""
    one = episode()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ops.breakers_breaker (name, config, status) VALUES ('auphonic', '{}', 'open')")
    action = services.start(actor(), Scope(state="any", ids=(one,)), "retry", "")
    assert release_due() == 0
    action.refresh_from_db()
    assert (action.state, action.problem) == ("running", "Waits for the breaker of auphonic to close.")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ops.breakers_breaker SET status = 'closed'")
    assert release_due() == 1
    action.refresh_from_db()
    assert (action.state, action.problem) == ("done", "")


def test_no_more_than_asked_for(episode: MakeEpisode) -> None:
    """`most` cuts the scope: the longest waiting are taken."""
    old, young = episode(hours=9), episode(hours=3)
    act("fail", state="stuck", most=1)
    assert (row_of(old)["status"], row_of(young)["status"]) == ("error", "processing")


def test_users_are_told_what_the_row_says(episode: MakeEpisode) -> None:
    """One notification for each row that failed, none for one that had finished; one mail due a user."""
    failed, finished = episode(title="Eins"), episode(title="Zwei")
    action = services.start(actor(), Scope(ids=(failed, finished)), "fail", "lost", options=Options(notifies=True))
    set_status(finished, "processed")
    release_due()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id::text, type, title, created_at > now() AT TIME ZONE 'UTC' - interval '1 minute'"
            " FROM public.notification"
        )
        assert cursor.fetchall() == [(USER, "operation_failed", 'Your episode "Eins" could not be finished', True)]
    assert list(action.notices.values_list("user_id", "operations", "state")) == [(USER, 1, "due")]


def _released(action: Action) -> int:
    return sum(action.chunks.values_list("released", flat=True))


def test_a_large_bulk_is_found_from_its_row(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing stands beside it, the operation's page knows the action from the row itself."""
    monkeypatch.setattr("incidents.operations.writing.MARKED_UP_TO", 0)
    one = episode()
    act("fail", one)
    assert not OperationMark.objects.exists()
    assert "Fail: changed" in [event.label for event in timeline(queries.detail("episode_assembly", one))]
