"""The transcription source: a watch of the backend's, and beside it the recording that knows when it is done."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from incidents.operations import services
from incidents.operations.counting import counts
from incidents.operations.listing import list_page
from incidents.operations.models import OperationMark
from incidents.operations.queries import detail, why_not
from incidents.operations.refusals import put_back_refused
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from incidents.operations.sources import SOURCES, states
from incidents.operations.sources.indexes import wanted_indexes
from incidents.operations.sources.schema import forget
from ops_console.access.roles import Role
from ops_console.contract.grants import foreign_statements
from tests.incidents.operations.conftest import USER, make_episode
from tests.incidents.operations.tracked_rows import make_watch
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db
KIND = "transcription"
WATCH = SOURCES[KIND]


def ids(state: str = "stuck", **more: Any) -> list[str]:
    return [one.operation_id for one in list_page(Scope(kind=KIND, state=state, **more)).rows]


def status_of(watch: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_status FROM public.transcriptionwatch WHERE id = %s", [watch])
        return cursor.fetchone()[0]


def test_states() -> None:
    """Past the limit all are stuck that are not over, as the backend's own monitor has it; younger ones wait or run."""
    stuck = {make_watch(status, hours=9) for status in ("processing", "queued", None, "")}
    running, waiting = make_watch("processing", hours=0.5), {make_watch(one, hours=0.5) for one in ("queued", None)}
    failed = {make_watch("error:no audio", hours=9), make_watch("error")}
    make_watch("done", hours=9)
    assert (set(ids()), set(ids("waiting")), set(ids("failed"))) == (stuck, waiting, failed)
    assert running in ids("in_progress")
    monitor = "(last_status IS NULL OR split_part(last_status, ':', 1) IN ('', 'queued', 'processing')) "
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id::text FROM public.transcriptionwatch WHERE {monitor}"
            "AND created_at < now() AT TIME ZONE 'UTC' - interval '1 hour'"
        )
        assert {one for (one,) in cursor.fetchall()} == stuck


@pytest.mark.parametrize("most", [0, 200])
def test_an_old_watch_with_a_fresh_mark_waits(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """However few marks are looked up to find where the rows that wait begin, the same rows wait."""
    monkeypatch.setattr(states, "MOST_SPARED", most)
    make_watch("queued", hours=12)
    spared = []
    for hours, sign in ((9, "last_command_at"), (8, "heartbeat_at"), (7, "snoozed_until")):
        spared.append(make_watch("queued", hours=hours))
        OperationMark.objects.create(
            kind=KIND, operation_id=spared[-1], **{sign: timezone.now() + timedelta(minutes=5)}
        )
    make_watch("queued", hours=6)
    young = make_watch("queued", hours=0.5)
    OperationMark.objects.create(kind=KIND, operation_id="gone", last_command_at=timezone.now())
    assert ids("waiting") == [*spared, young]
    assert counts(Scope(kind=KIND))["waiting"].number == 4


@pytest.mark.parametrize("status", [None, "", "queued", "error:" + 80 * "x"])
def test_a_refused_retry_puts_back_the_status(status: str | None) -> None:
    """NULL and empty text, which are statuses here, come back as what they were; a long error keeps its beginning."""
    watch = make_watch(status, hours=9)
    state = "failed" if status and status.startswith("error") else "stuck"
    services.start(actor(), Scope(kind=KIND, state=state), "retry", "again")
    release_due()
    assert status_of(watch) == "processing"
    OperationMark.objects.update(handled_version=F("version"))
    assert put_back_refused() == 1
    assert status_of(watch) == (status and status[:60])
    assert put_back_refused() == 0


def test_a_stuck_watch_without_a_status_can_be_acted_on() -> None:
    """NULL is a status like the others: retried, it is processing; failed and taken back, it is NULL again."""
    one, other = make_watch(None, hours=9), make_watch(None, hours=9)
    services.start(actor(), Scope(kind=KIND, ids=(one,)), "retry", "again")
    failed = services.start(actor(), Scope(kind=KIND, ids=(other,)), "fail", "gave up")
    release_due()
    assert (status_of(one), status_of(other)) == ("processing", "error:operation_failed")
    services.take_back(actor(), failed.pk, "too early")
    release_due()
    assert status_of(other) is None
    page = signed_in(Role.OPERATOR).get(f"/operations/{KIND}/{other}/")
    assert page.status_code == 200 and "seen_status=None" not in page.content.decode()


@pytest.mark.parametrize("status", ["processing", "queued", "error:late"])
def test_a_ready_transcript_is_done_whatever_the_watch_says(status: str) -> None:
    """The recording's own flag wins, for the same user and file name alone."""
    make_watch(status, filename="ready.wav", ready=True)
    other = make_watch(status, filename="other.wav", ready=False)
    state = "failed" if status.startswith("error") else "stuck"
    assert ids(state) == [other]


def test_the_error_is_shown_and_grouped() -> None:
    """What stands behind `error:` is the error; those that differ in numbers alone are one group."""
    make_watch("error:timeout after 30 s"), make_watch("error: timeout after 4 s"), make_watch("error:no audio")
    rows = list_page(Scope(kind=KIND, state="failed")).rows
    assert {row.error for row in rows} == {"timeout after 30 s", "timeout after 4 s", "no audio"}
    groups = {row.error_group for row in rows if "timeout" in row.error}
    assert len(groups) == 1
    assert len(ids("failed", group=groups.pop())) == 2


def test_the_check_says_what_nobody_can_do_here() -> None:
    """Only the backend knows that a transcription is done, and it leaves nothing to free: no "yes" for these."""
    out = StringIO()
    call_command("sources", "check", stdout=out)
    said = out.getvalue().partition(KIND)[2]
    assert "  fail: yes" in said
    assert "  resolve: Only its backend can say that a transcription is done." in said
    assert "  free: A transcription leaves nothing behind that could be freed." in said


def test_the_question_refuses_what_nobody_can_do_here() -> None:
    """The dialog gives the reason at once: it offers no button that the start would refuse."""
    sent = {"verb": "resolve", "kind": KIND, "ids": make_watch("processing", hours=9)}
    answer = signed_in(Role.OPERATOR).post(reverse("operations:act"), sent)
    assert answer.status_code == 422
    assert "Only its backend can say that a transcription is done." in answer.content.decode()


def test_fail_and_retry() -> None:
    """Failed by the watch's own word for it; retried with what the backend needs."""
    watch = make_watch("processing")
    services.start(actor(), Scope(kind=KIND, ids=(watch,)), "fail", "gave up")
    release_due()
    assert status_of(watch) == "error:operation_failed"
    action = services.start(actor(), Scope(kind=KIND, state="failed", ids=(watch,)), "retry", "again")
    release_due()
    assert status_of(watch) == "processing"
    assert action.commands.get().payloads == [{"watch_id": watch, "user_id": USER, "filename": "talk.wav"}]


def test_an_error_with_its_text_can_be_retried() -> None:
    """The status that a backend wrote with its message is still one that can be retried."""
    watch = make_watch("error:bucket is away")
    services.start(actor(), Scope(kind=KIND, state="failed", ids=(watch,)), "retry", "again")
    release_due()
    assert status_of(watch) == "processing"


def test_without_a_file_name_it_cannot_be_retried() -> None:
    """The missing field is named."""
    watch = make_watch("processing", filename="")
    assert "filename is empty" in why_not(detail(KIND, watch), "retry")


def test_without_recordings_the_watches_are_still_listed() -> None:
    """A database without `mediaitem` lists watches, and says what is not known."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE public.mediaitem")
    forget()
    watch = make_watch("processing")
    assert ids() == [watch]
    assert any("transcript_ready cannot be read" in problem.message for problem in WATCH.problems(WATCH.live()))
    assert not any("mediaitem" in name for name in wanted_indexes(WATCH, WATCH.live()))


def test_an_enum_or_a_flag_that_may_be_null_changes_nothing() -> None:
    """A production table with an enum for the status, and a flag that may be NULL, answers the same."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.mediaitem ALTER transcript_ready DROP NOT NULL")
        cursor.execute("ALTER TABLE public.mediaitem ALTER transcript_ready DROP DEFAULT")
    watch = make_watch("processing", filename="unknown.wav", ready=False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.mediaitem SET transcript_ready = NULL")
    forget()
    assert ids() == [watch]


def test_the_console_asks_for_little() -> None:
    """Reading what it shows, writing the status alone, looking after the table, and three columns of the recordings."""
    wanted = [text for text in foreign_statements() if "transcriptionwatch" in text or "mediaitem" in text]
    assert 'GRANT UPDATE ("last_status") ON public."transcriptionwatch"' in wanted
    assert 'GRANT SELECT ("user_id", "filename", "transcript_ready") ON public."mediaitem"' in wanted
    assert 'GRANT MAINTAIN ON public."transcriptionwatch"' in wanted
    assert len(wanted) == 4


def test_meta_as_jsonb_is_listed_failed_and_grouped() -> None:
    """A production database whose `meta_json` is JSONB is read and written as the one that keeps text."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.episode ALTER meta_json TYPE jsonb USING meta_json::jsonb")
    forget()
    waiting = make_episode(status="pending", meta_json='{"queued_for_worker": true}')
    stuck = make_episode(meta_json='{"main_content_filename": "a.wav", "kept": 1.50}')
    for statement in wanted_indexes(SOURCES["episode_assembly"], SOURCES["episode_assembly"].live()).values():
        with connection.cursor() as cursor:
            cursor.execute(statement.replace(" CONCURRENTLY", ""))
    assert [one.operation_id for one in list_page(Scope(state="waiting")).rows] == [waiting]
    services.start(actor(), Scope(ids=(stuck,)), "fail", "disk 4 is full")
    release_due()
    (failed,) = list_page(Scope(state="failed")).rows
    assert (failed.operation_id, failed.error) == (stuck, "disk 4 is full")


def test_what_may_be_null_is_listed() -> None:
    """Titles, owners, payloads and flags that a production table lets be NULL cost nothing of the list."""
    with connection.cursor() as cursor:
        for column in ("title", "user_id", "podcast_id", "priority", "is_explicit", "processed_at"):
            cursor.execute(f"ALTER TABLE public.episode ALTER {column} DROP NOT NULL")
    forget()
    nothing = dict.fromkeys(("user_id", "podcast_id", "priority", "is_explicit", "processed_at"))
    one = make_episode(title=None, **nothing)
    (row,) = list_page(Scope(kind="")).rows
    assert (row.operation_id, row.title, row.owner_id) == (one, "", None)
    assert row.since < timezone.now()


@pytest.mark.parametrize(("status", "said"), [("error:", "Status error: only"), ("done", "Status done: only")])
def test_a_status_that_does_not_allow_it_is_said_by_its_word(status: str | None, said: str) -> None:
    """The dry run and the release say the same, and a row without a status is left alone."""
    watch = make_watch(status)
    assert why_not(detail(KIND, watch), "fail").startswith(said)
    action = services.start(actor(), Scope(kind=KIND, state="any", ids=(watch,)), "fail", "gave up")
    release_due()
    assert action.outcomes.get().detail.startswith(said)
    assert status_of(watch) == status
