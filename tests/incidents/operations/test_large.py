"""What is too large for a request: frozen by the worker, and counted for a person within seconds."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from incidents.operations import late_freezing, preview, services
from incidents.operations.counting import Count
from incidents.operations.models import Action, Chunk
from incidents.operations.release import release_action, release_due
from incidents.operations.scope import Scope
from ops_console.access.roles import Role
from tests import database
from tests.incidents.operations.conftest import MakeEpisode, make_episode, row_of, waits_for_a_lock
from tests.people import actor, signed_in
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Three are many here, and Undo has its time."""
    monkeypatch.setattr(late_freezing, "MOST_AT_ONCE", 3)
    monkeypatch.setattr("incidents.operations.freezing.CHUNK_SIZE", 2)
    monkeypatch.setattr(preview, "MOST_JUDGED", 3)
    settings.UNDO_BULK_SECONDS = 60


def started(**options: Any) -> Action:
    return services.start(actor(), Scope(), "fail", "gave up", options=services.Options(**options))


def frozen_ids(action: Action) -> list[str]:
    return [one for chunk in action.chunks.order_by("number") for one in chunk.operation_ids]


def test_a_large_one_is_frozen_by_the_worker(episode: MakeEpisode) -> None:
    """It exists at once with nothing frozen; the worker freezes what was meant then, and Undo's time begins there."""
    made = [episode(hours=10 - n) for n in range(5)]
    action = started()
    assert (action.state, action.total, action.chunks.count()) == ("freezing", 0, 0)
    assert action.label == "Fail more than 3 episode assemblies"
    now = datetime.now(UTC)
    release_due()
    action.refresh_from_db()
    assert (action.state, action.total, action.label) == ("scheduled", 5, "Fail 5 episode assemblies")
    assert frozen_ids(action) == sorted(made)
    assert (action.release_at - now).total_seconds() > 59
    assert row_of(made[0])["status"] == "processing"


def test_its_moment_and_its_limits_are_those_of_the_click(episode: MakeEpisode) -> None:
    """What became stuck after the click is not in it, and `most` and the canary hold."""
    made = [episode(hours=10 - n) for n in range(6)]
    episode(hours=1.5)
    action = started(most=5, canary=True)
    assert datetime.fromisoformat(action.scope["as_of"]) <= datetime.now(UTC)
    Action.objects.update(scope={**action.scope, "as_of": (datetime.now(UTC) - timedelta(hours=3.5)).isoformat()})
    release_due()
    action.refresh_from_db()
    assert frozen_ids(action) == made[:5]
    Action.objects.update(canary=False)


def test_small_chosen_and_patient_ones_are_frozen_at_once(episode: MakeEpisode) -> None:
    """A few, ids one by one, and whatever a shell asks for need no worker."""
    made = tuple(episode() for _ in range(5))
    assert started(most=3).state == "scheduled"
    assert services.start(actor(), Scope(ids=made), "fail", "x").total == 5
    assert services.start(replace(actor(), via="cli"), Scope(), "fail", "x").total == 5


def test_a_count_that_takes_too_long_is_a_large_one(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be counted in time would not be frozen in time either."""
    episode()
    monkeypatch.setattr(late_freezing, "count", lambda *_: Count(None, False, None))
    assert started().state == "freezing"


def test_a_cancelled_one_is_never_frozen(episode: MakeEpisode) -> None:
    """Cancel before the worker comes, and nothing happens."""
    for _ in range(5):
        episode()
    action = started()
    services.cancel(actor(), action.pk)
    release_due()
    action.refresh_from_db()
    assert (action.state, action.chunks.count()) == ("cancelled", 0)


def test_nothing_left_says_so(episode: MakeEpisode) -> None:
    """What all has moved on until the worker comes ends the action, with the reason."""
    made = [episode() for _ in range(5)]
    action = started()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.episode SET status = 'processed' WHERE id = ANY (%s::uuid[])", [made])
    release_due()
    action.refresh_from_db()
    assert (action.state, action.chunks.count()) == ("cancelled", 0)
    assert "nothing is left to do" in action.problem


def test_one_that_cannot_be_frozen_is_tried_again(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says what was wrong; the next try goes well and forgets it. What was written halfway is gone."""
    for _ in range(5):
        episode()
    action = started()
    whole = late_freezing.freeze

    def halfway(*given: Any) -> None:
        whole(*given)
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(late_freezing, "freeze", halfway)
        release_due()
    action.refresh_from_db()
    assert (action.state, action.problem, Chunk.objects.count()) == ("freezing", "the disk is full", 0)
    release_action(action.pk)
    action.refresh_from_db()
    assert (action.state, action.problem, action.total) == ("scheduled", "", 5)


def test_the_page_says_that_it_is_being_frozen(episode: MakeEpisode) -> None:
    """With Cancel, and without an empty bar or a number that nobody knows yet; the answer to the click says it too."""
    for _ in range(5):
        episode()
    client = signed_in(Role.OPERATOR)
    sent = {"verb": "fail", "all": "1", "query": "kind=episode_assembly", "sure": "1", "reason": "gone"}
    page = client.post(reverse("operations:act"), sent, follow=True).content.decode()
    assert "preparing the list of operations. You can undo until it starts." in page
    assert "The worker is listing the operations" in page and "being counted" in page
    assert "<progress" not in page and "Already finished" not in page
    assert reverse("operations:cancel", args=[Action.objects.get().pk]) in page
    listed = client.get(reverse("operations:list")).content.decode()
    assert "Fail more than 3 episode assemblies" in listed and "being counted" in listed
    client.post(reverse("operations:cancel", args=[Action.objects.get().pk]))
    page = client.get(reverse("operations:action", args=[Action.objects.get().pk])).content.decode()
    assert "never counted" in page and "<progress" not in page


def test_the_question_counts_all_and_judges_the_first(episode: MakeEpisode) -> None:
    """Of very many, the number is exact, and what is said of the first is said to be of them."""
    for _ in range(5):
        episode()
    sent = {"verb": "fail", "all": "1", "query": "kind=episode_assembly"}
    page = signed_in(Role.OPERATOR).post(reverse("operations:act"), sent).content.decode()
    assert "Fail 5 episode assemblies?" in page and "3 of the first 3 will be set to error" in page
    assert "The rest of 5 are checked" in page and "The first 3 affect 1 user." in page


def test_a_question_that_cannot_count_all_says_more_than(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that is not known is not made up: it says more than what was counted."""
    for _ in range(5):
        episode()
    monkeypatch.setattr(preview, "MOST_COUNTED", 4)
    found = preview.preview(Scope(), "fail")
    assert (found.total, found.judged, found.is_more, found.total_text) == (4, 3, True, "more than 4")
    assert preview.preview(Scope(), "fail", 2).total_text == "2"


def test_a_most_beyond_what_is_judged_is_the_number(episode: MakeEpisode) -> None:
    """`most` bounds the number too, and is not called more."""
    for _ in range(6):
        episode()
    found = preview.preview(Scope(), "fail", 5)
    assert (found.total, found.is_more, found.judged) == (5, False, 3)


def test_a_scope_comes_back_as_it_was_kept() -> None:
    """Nobody's is not everybody's, and no error is not any error."""
    scope = Scope("x", "failed", 60, (), "talk", as_of=datetime.now(UTC), group="", attempts=2, text_owners=("a", "b"))
    assert Scope.from_json(scope.as_json()) == scope


@pytest.mark.usefixtures("committed")
def test_a_cancel_need_not_wait_for_the_freezing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled by another process while chunks are being written: they go with it."""
    for _ in range(5):
        make_episode()
    action = started()
    whole = late_freezing.freeze

    def cancelled_meanwhile(*given: Any) -> None:
        whole(*given)
        with psycopg.connect(database.dsn(), autocommit=True) as other:
            other.execute("SET lock_timeout = '2s'")
            other.execute("SELECT 1 FROM ops.operations_action WHERE id = %s FOR NO KEY UPDATE", [action.pk])
            other.execute("UPDATE ops.operations_action SET state = 'cancelled' WHERE id = %s", [action.pk])

    monkeypatch.setattr(late_freezing, "freeze", cancelled_meanwhile)
    release_due()
    action.refresh_from_db()
    assert (action.state, Chunk.objects.count()) == ("cancelled", 0)


@pytest.mark.process
@pytest.mark.usefixtures("committed")
def test_a_worker_killed_while_freezing(worker: Any) -> None:
    """Killed with -9 after its chunks are written, it begins anew, and each operation is meant once."""
    made = [make_episode() for _ in range(9)]
    action = started()
    with psycopg.connect(database.dsn()) as other:
        # The worker writes the chunks and then waits for us with the action's own row.
        other.execute("SELECT 1 FROM ops.operations_action WHERE id = %s FOR NO KEY UPDATE", [action.pk])
        process = worker()
        until(waits_for_a_lock, 30)
        process.kill()
        process.wait()
        other.rollback()
    assert Chunk.objects.count() == 0
    until(lambda: release_due() is not None and Action.objects.get().state == "scheduled")
    assert Counter(frozen_ids(action)) == Counter(made)


@pytest.mark.parametrize("verb", ["retry", "fail"])
def test_a_question_reads_once_however_many_there_are(episode: MakeEpisode, verb: str) -> None:
    """One statement judges the first and counts all: of one, of a page, and of more than are judged."""
    asked = []
    preview.preview(Scope(), verb)  # reads what is kept of the schema
    for number in (1, 2, 3):
        for _ in range(number):
            episode()
        with CaptureQueriesContext(connection) as captured:
            found = preview.preview(Scope(), verb)
        asked.append(len(captured))
    assert asked == [2 if verb == "retry" else 1, 1, 1]
    assert (found.total, found.judged) == (6, 3)
    assert "error_group" not in captured[0]["sql"]
