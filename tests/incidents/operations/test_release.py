"""Release: compare with what was seen, set, and say of every row what became of it."""

import json
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from incidents.operations import counting, listing, queries, services
from incidents.operations.models import Action, Command, OperationMark, Outcome
from incidents.operations.release import bury_exhausted, release_due, release_slice
from incidents.operations.scope import Scope
from incidents.operations.sources import SOURCES, STATES
from incidents.operations.sources.schema import forget
from ops_console.audit.models import Entry
from tests import database
from tests.incidents.operations.conftest import GOOD_META, MakeEpisode, make_episode, row_of, set_status
from tests.people import actor
from tests.real_roles import needs_both, real_roles

pytestmark = pytest.mark.django_db


def start(verb: str, *ids: str, state: str = "stuck", reason: str = "provider was down") -> Action:
    return services.start(actor(), Scope(state=state, ids=ids or None), verb, reason)


def outcomes(action: Action) -> dict[str, tuple[str, str]]:
    return {o.operation_id: (o.outcome, o.detail) for o in action.outcomes.all()}


def test_fail_writes_status_and_reason(episode: MakeEpisode) -> None:
    """The row is in error, with why, when and by whom, and every other key as it was."""
    one = episode()
    start("fail", one)
    release_due()
    row = row_of(one)
    meta = json.loads(row["meta_json"])
    assert row["status"] == "error"
    assert (meta["error_reason"], meta["error_by"]) == ("provider was down", "oscar")
    assert meta["error_at"].endswith("+00:00")
    assert json.loads(GOOD_META).items() <= meta.items()


def test_fail_makes_an_object_of_null(episode: MakeEpisode) -> None:
    """NULL becomes an object with the reason."""
    one = episode(meta_json=None)
    start("fail", one)
    release_due()
    assert json.loads(row_of(one)["meta_json"])["error_reason"] == "provider was down"


@pytest.mark.parametrize("text", ["not json", "", "[]", '{"half', "null"])
def test_fail_leaves_text_that_is_no_object(episode: MakeEpisode, text: str) -> None:
    """The row is failed, its text stays, and the reason is kept in the console's own record."""
    one = episode(meta_json=text)
    start("fail", one)
    release_due()
    row, mark = row_of(one), OperationMark.objects.get(operation_id=one)
    assert (row["status"], row["meta_json"]) == ("error", text)
    assert mark.reason == "provider was down"
    assert "was not changed" in mark.note


def test_fail_writes_a_jsonb_column(episode: MakeEpisode) -> None:
    """Where production keeps real JSON, it is written as that."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.episode ALTER meta_json TYPE jsonb USING meta_json::jsonb")
    forget()
    one = episode()
    start("fail", one)
    release_due()
    meta = row_of(one)["meta_json"]
    assert (meta if isinstance(meta, dict) else json.loads(meta))["error_reason"] == "provider was down"


def test_retry_queues_one_command(episode: MakeEpisode) -> None:
    """The row keeps its id, status, age and text; its version is raised, and the payload goes to the outbox."""
    one = episode()
    before = row_of(one)
    start("retry", one)
    release_due()
    command, mark = Command.objects.get(), OperationMark.objects.get(operation_id=one)
    assert row_of(one) == before
    assert (mark.version, mark.attempts, mark.last_verb) == (1, 1, "retry")
    assert (command.operation_ids, command.versions, command.reason) == ([one], [1], "provider was down")
    assert command.payloads[0]["main_content_filename"] == "talk.wav"


def test_a_retried_row_is_not_stuck_again(episode: MakeEpisode) -> None:
    """A minute after the retry it is in progress; when its time is up it is stuck once more."""
    one = episode(hours=40)
    start("retry", one)
    release_due()
    assert queries.count(Scope()).number == 0
    OperationMark.objects.update(last_command_at=timezone.now() - timedelta(hours=2, seconds=1))
    assert queries.count(Scope()).number == 1


def test_a_failed_row_is_retried_as_processing(episode: MakeEpisode) -> None:
    """A row in error goes back into progress under its own id."""
    one = episode(status="error")
    start("retry", one, state="failed")
    release_due()
    assert row_of(one)["status"] == "processing"
    assert Command.objects.get().operation_ids == [one]


@pytest.mark.parametrize("verb", ["retry", "fail"])
def test_the_worker_that_finishes_wins(episode: MakeEpisode, verb: str) -> None:
    """A row that is done at the moment of release stays done, and the operator is told."""
    one, two = episode(), episode()
    action = start(verb)
    set_status(one, "processed")
    before = row_of(one)
    release_due()
    assert row_of(one) == before
    assert outcomes(action)[one] == ("finished_meanwhile", "Its status is processed by now; it was processing.")
    chunk = action.chunks.get()
    assert (chunk.changed, chunk.finished_meanwhile) == (1, 1)
    assert OperationMark.objects.filter(operation_id=one).count() == 0
    assert two not in outcomes(action)


def test_work_begun_anew_wins(episode: MakeEpisode) -> None:
    """A row whose age column has moved was taken up again: it is left."""
    one = episode()
    action = start("fail", one)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.episode SET processed_at = now() AT TIME ZONE 'UTC' WHERE id = %s", [one])
    release_due()
    assert row_of(one)["status"] == "processing"
    assert outcomes(action)[one][0] == "finished_meanwhile"


def test_a_heartbeat_since_wins(episode: MakeEpisode) -> None:
    """Work that has told that it is alive is neither failed nor retried."""
    one = episode()
    action = start("fail", one)
    OperationMark.objects.create(
        kind="episode_assembly", operation_id=one, heartbeat_at=timezone.now() + timedelta(seconds=1)
    )
    release_due()
    assert outcomes(action)[one] == ("ineligible", "It has sent a heartbeat since: it is alive.")


def test_two_operators_on_one_row(episode: MakeEpisode) -> None:
    """The first release wins; the second finds that another action was quicker."""
    one = episode()
    first, second = start("retry", one), start("fail", one)
    Action.objects.filter(pk=first.pk).update(release_at=timezone.now() - timedelta(seconds=5))
    release_due()
    assert outcomes(second)[one] == ("finished_meanwhile", "Another action was quicker with it.")
    assert row_of(one)["status"] == "processing"


def test_the_missing_field_is_the_outcome(episode: MakeEpisode) -> None:
    """A row that cannot be retried stays as it is, and its outcome names the field."""
    good, bad = episode(), episode(meta_json="{}")
    before = row_of(bad)
    action = start("retry")
    release_due()
    assert outcomes(action)[bad][0] == "ineligible"
    assert "meta_json.main_content_filename is missing" in outcomes(action)[bad][1]
    assert row_of(bad) == before
    assert Command.objects.get().operation_ids == [good]


def test_a_row_that_is_gone(episode: MakeEpisode) -> None:
    """A deleted row is said to be gone."""
    one = episode()
    action = start("fail", one)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.episode WHERE id = %s", [one])
    release_due()
    assert outcomes(action)[one] == ("finished_meanwhile", "The row is gone.")


def test_a_locked_row_is_reported(committed: None) -> None:
    """A row in another transaction's hands is skipped and said so; nobody waits."""
    held, free = make_episode(), make_episode()
    action = start("fail")
    with psycopg.connect(database.dsn()) as other:
        other.execute("SELECT 1 FROM public.episode WHERE id = %s FOR UPDATE", [held])
        release_due()
    assert (row_of(held)["status"], row_of(free)["status"]) == ("processing", "error")
    assert outcomes(action) == {held: ("locked", "Another transaction holds the row.")}
    action.refresh_from_db()
    assert action.state == "done"


def test_one_transaction_a_chunk(episode: MakeEpisode) -> None:
    """Where the audit cannot be written, neither row, mark, command nor outcome is."""
    one = episode()
    action = start("fail", one)

    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE ops.audit_entry ADD CONSTRAINT no_audit_today CHECK (action <> 'operations.release')"
        )
    release_due()
    action.refresh_from_db()
    assert row_of(one)["status"] == "processing"
    assert not OperationMark.objects.exists() and not Outcome.objects.exists()
    assert action.state == "running" and "no_audit_today" in action.problem
    assert action.chunks.get().state == "pending"


def test_a_problem_is_over_when_a_slice_has_gone(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What kept an action is said no longer once it goes on, and not only when all of it is done."""
    monkeypatch.setattr("incidents.operations.freezing.CHUNK_SIZE", 1)
    action = start("fail", make_episode(), make_episode())
    Action.objects.update(state="running", started_at=timezone.now(), problem="the disk is full")
    assert release_slice(action.pk)
    action.refresh_from_db()
    assert (action.state, action.problem) == ("running", "")


def test_one_that_cannot_go_on_stops_no_other(episode: MakeEpisode) -> None:
    """An action whose source is away says so and is tried again; the next one is released."""
    one = episode()
    stuck = start("fail", one)
    Action.objects.filter(pk=stuck.pk).update(kind="no_such_kind", release_at=timezone.now() - timedelta(minutes=1))
    other = start("fail", one)
    release_due()
    stuck.refresh_from_db()
    other.refresh_from_db()
    assert "no_such_kind" in stuck.problem
    assert other.state == "done"


def test_release_is_audited(episode: MakeEpisode) -> None:
    """The chunk's entry names the operator, the reason and the counts."""
    start("fail", episode())
    release_due()
    entry = Entry.objects.get(action="operations.release")
    assert (entry.actor, entry.reason, entry.after["changed"]) == ("oscar", "provider was down", 1)


def test_nothing_twice(episode: MakeEpisode) -> None:
    """A second release of what is done does nothing."""
    start("retry", episode())
    assert release_due() == 1
    assert release_due() == 0
    assert Command.objects.count() == 1


@needs_both
def test_the_console_roles_can_release(committed: None) -> None:
    """All of it works with the rights that the console's two roles really have, and with no others."""
    one, two = make_episode(), make_episode()
    retried, failed = start("retry", one), start("fail", two)
    with real_roles():
        release_due()
    for action in (retried, failed):
        action.refresh_from_db()
        assert (action.state, action.problem) == ("done", "")
    assert row_of(two)["status"] == "error"


@needs_both
@pytest.mark.parametrize("kind", ["", *SOURCES])
def test_the_console_roles_can_list(committed: None, kind: str) -> None:
    """Every state of every kind is listed, counted and shown with the rights that the console's roles really have."""
    one = make_episode()
    with real_roles():
        for state in STATES:
            listing.list_page(Scope(kind, state))
            counting.count(Scope(kind, state))
            assert list(listing.scan(Scope(kind, state), details=bool(kind))) is not None
        queries.detail("episode_assembly", one)


def test_a_command_whose_process_died_for_good(episode: MakeEpisode) -> None:
    """After its last attempt's lease it is a dead letter, and is sent again when a person says so."""
    start("retry", episode())
    release_due()
    Command.objects.update(attempts=8, leased_until=timezone.now() - timedelta(seconds=1))
    assert bury_exhausted() == 1
    command = Command.objects.get()
    assert command.state == "dead"
    again = services.send_again(actor(), command.pk)
    assert (again.state, again.attempts) == ("queued", 0)
    assert Entry.objects.filter(action="operations.send_again").exists()
