"""The hourly sweep: dry until armed, dead before suspected, everybody told once, and never at a mass stop."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.operations import listing
from incidents.operations import services as operations
from incidents.operations.models import (
    Action,
    Command,
    Handler,
    OperationMark,
    TrackedKind,
    TrackedOperation,
    UserNotice,
)
from incidents.operations.release import release_due
from incidents.operations.user_mail import mail_due
from incidents.sweep import services
from incidents.sweep.detection import detect
from incidents.sweep.models import Arming, Run
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.contract.models import Instance
from ops_console.errors import InvalidInput, NotAllowed
from tests import podcast
from tests.incidents.operations.conftest import USER, make_episode, row_of, set_status
from tests.people import actor

pytestmark = pytest.mark.django_db
KIND = "episode_assembly"


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    settings.UNDO_SECONDS = settings.UNDO_BULK_SECONDS = 0


def arm(kind: str = KIND, most: int | None = None) -> None:
    services.arm(actor(Role.ADMIN), kind, most, "it is time")


def swept(kind: str = KIND) -> Run:
    """A run, with everything released that it began."""
    run = services.sweep(kind)
    release_due()
    return run


def tracked(number: int, minutes: int = 90, kind: str = "notes", worker: str = "") -> None:
    """So many running operations whose workers said something `minutes` ago."""
    TrackedKind.objects.get_or_create(kind=kind, service="notes-worker")
    at = timezone.now() - timedelta(minutes=minutes)
    TrackedOperation.objects.bulk_create(
        TrackedOperation(
            kind=kind,
            operation_id=f"{kind}-{minutes}-{n}",
            status="running",
            heartbeat_at=at,
            queued_at=at,
            worker=worker or f"host-{n % 4}",
            service="notes-worker",
        )
        for n in range(number)
    )


def test_detection_reads_ids_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting thousands reads no error texts, and looks no mark up beside those that decide; pages leave none out."""
    made = {make_episode(hours=hours) for hours in range(7, 12)}
    with CaptureQueriesContext(connection) as captured:
        found = detect(KIND)
    assert (found.suspected, set(found.first_ids)) == (5, made)
    assert not [query for query in captured if "error_group" in query["sql"] or "AS one" in query["sql"]]
    monkeypatch.setattr(listing, "ID_SCAN_SIZE", 2)
    assert detect(KIND).suspected == 5
    assert [one for ids in listing.scan_ids(found.scopes[1]) for one in ids] == found.first_ids


def test_dry_until_armed() -> None:
    """Nothing is failed before an admin has said so; the run says what would have been."""
    one = make_episode(hours=7)
    run = swept()
    assert (run.result, run.suspected, run.first_ids) == ("dry_run", 1, [one])
    assert row_of(one)["status"] == "processing" and not Action.objects.exists()


def test_armed_it_fails_what_is_stuck() -> None:
    """The row gets the source's failure status with the reason operation_timeout, and what runs is left."""
    arm()
    stuck, young = make_episode(hours=7), make_episode(hours=1)
    run = swept()
    assert (run.result, row_of(young)["status"]) == ("swept", "processing")
    assert row_of(stuck)["status"] == "error" and '"error_reason": "operation_timeout"' in row_of(stuck)["meta_json"]
    action = Action.objects.get(pk=run.action_id)
    assert (action.actor, action.via, action.state) == ("sweep", "sweep", "done")


def test_a_second_run_finds_nothing() -> None:
    """What was failed is not stuck: the sweep may run as often as it likes."""
    arm()
    make_episode(hours=7)
    assert [swept().result, swept().result] == ["swept", "nothing"]
    assert Action.objects.count() == 1


def test_suspected_waits_longer_than_dead() -> None:
    """After three hours one that was heard of is failed; one that has only its age to go by is not."""
    arm()
    heard_of, only_old = make_episode(hours=3), make_episode(hours=3)
    silent = timezone.now() - timedelta(hours=2.5)
    OperationMark.objects.create(kind=KIND, operation_id=heard_of, heartbeat_at=silent)
    run = swept()
    assert (run.dead, run.suspected) == (1, 0)
    assert (row_of(heard_of)["status"], row_of(only_old)["status"]) == ("error", "processing")


def test_queued_is_never_swept() -> None:
    """What waits for a worker is not stuck, however long it waits."""
    arm()
    one = make_episode(hours=80, status="pending", meta_json='{"queued_for_worker": true}')
    assert swept().result == "nothing"
    assert row_of(one)["status"] == "pending"


def test_four_thousand_of_silent_workers_are_not_failed() -> None:
    """Whatever an admin finds usual: when all workers that held them are silent, nothing is failed."""
    tracked(4_000)
    arm("notes", most=10_000)
    run = swept("notes")
    assert (run.result, run.dead) == ("mass_stop", 4_000)
    assert "have gone silent" in run.detail
    assert not Action.objects.exists()
    assert set(TrackedOperation.objects.values_list("status", flat=True)) == {"running"}


@pytest.mark.parametrize("sign", ["an operation", "a process"])
def test_while_others_work_the_dead_are_failed(sign: str) -> None:
    """One worker that is gone is no mass stop as long as anybody of its kind gives signs of life."""
    tracked(20, worker="gone")
    arm("notes", most=10_000)
    if sign == "an operation":
        tracked(1, minutes=0, worker="alive")
    else:
        now = timezone.now()
        Instance.objects.create(
            id="00000000-0000-4000-8000-000000000009",
            service="notes-worker",
            host="h",
            pid=1,
            client_version="0",
            contract="v1",
            started_at=now,
            seen_at=now,
        )
    assert swept("notes").result == "swept"
    assert TrackedOperation.objects.filter(status="failed", finished_at__isnull=False).count() == 20


@pytest.mark.parametrize(("ended_as", "said"), [("closed", "were stopped"), ("crashed", "have gone silent")])
def test_a_process_that_ended_is_no_sign_of_life(ended_as: str, said: str) -> None:
    """A service whose only process ended a moment ago works on nothing, and the run says how it ended."""
    tracked(20, worker="gone")
    arm("notes", most=10_000)
    now = timezone.now()
    Instance.objects.create(
        id="00000000-0000-4000-8000-000000000009",
        service="notes-worker",
        host="h",
        pid=1,
        client_version="0",
        contract="v1",
        started_at=now,
        seen_at=now,
        ended_at=now,
        ended_as=ended_as,
    )
    run = swept("notes")
    assert (run.result, said in run.detail) == ("mass_stop", True)


def test_tracked_work_is_taken_back_as_running() -> None:
    """Its status comes back, and that it had ended is gone with it."""
    tracked(1, worker="gone")
    arm("notes")
    run = swept("notes")
    operations.take_back(actor(), run.action_id, "the host came back")
    release_due()
    one = TrackedOperation.objects.get()
    assert (one.status, one.finished_at, one.failure) == ("running", None, {})


def test_far_more_than_usual_is_a_mass_stop() -> None:
    """What is far above the runs before fails nothing, until an admin says that so many are usual."""
    arm()
    for _ in range(101):
        make_episode(hours=7)
    run = swept()
    assert (run.result, run.detail) == ("mass_stop", "101 are stuck at once; the limit is 100.")
    arm(most=101)
    assert swept().result == "swept"


def test_usual_is_counted_from_the_runs_before() -> None:
    """Five times the median of what was found, and a mass stop is not part of it."""
    for found, result in ((40, "dry_run"), (60, "swept"), (50, "swept"), (9_000, "mass_stop")):
        Run.objects.create(kind=KIND, result=result, dead=found, suspected=0, most=1)
    assert services.usual_most(KIND) == 250


def test_users_are_told_once() -> None:
    """A notification for each episode, one mail for each user, and none a second time."""
    podcast.add_user(USER, "uma@example.com", "Uma", "User", "pro")
    arm()
    make_episode(hours=7, title="Eins"), make_episode(hours=8, title="Zwei")
    swept()
    assert (mail_due(), mail_due()) == (1, 0)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["uma@example.com"], "We could not finish 2 of your episodes")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT user_id) FROM public.notification")
        assert cursor.fetchone() == (2, 1)


def test_without_a_mail_server_no_notice_is_called_sent(settings: Any) -> None:
    """What went to standard output reached nobody."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    podcast.add_user(USER, "uma@example.com", "Uma", "User", "pro")
    arm()
    make_episode(hours=7)
    swept()
    assert mail_due() == 0
    notice = UserNotice.objects.get()
    assert notice.state == "failed" and "EMAIL_URL" in notice.problem


def test_mail_waits_for_the_end() -> None:
    """As long as the action goes on, nobody knows how many it will be."""
    podcast.add_user(USER, "uma@example.com", "Uma", "User", "pro")
    arm()
    make_episode(hours=7)
    swept()
    Action.objects.update(state="running")
    assert mail_due() == 0


def test_no_mail_tells_of_what_is_taken_back() -> None:
    """A mail that is still due waits while a take-back may be cancelled, and is withheld once that has begun."""
    podcast.add_user(USER, "uma@example.com", "Uma", "User", "pro")
    arm()
    make_episode(hours=7)
    run = swept()
    asked = operations.take_back(actor(), run.action_id, "the host came back")
    assert mail_due() == 0
    operations.cancel(actor(), asked.pk)
    operations.take_back(actor(), run.action_id, "the host came back after all")
    release_due()
    assert (mail_due(), UserNotice.objects.get().state) == (0, "withheld")


def test_a_cancelled_take_back_lets_mails_go() -> None:
    """Nothing was taken back: the user is told."""
    podcast.add_user(USER, "uma@example.com", "Uma", "User", "pro")
    arm()
    make_episode(hours=7)
    run = swept()
    operations.cancel(actor(), operations.take_back(actor(), run.action_id, "a mistake").pk)
    assert mail_due() == 1


def test_who_finishes_meanwhile_is_not_told() -> None:
    """A row that is done at the moment of release: no failure, no notification, no mail."""
    arm()
    one = make_episode(hours=7)
    services.sweep(KIND)
    set_status(one, "processed")
    release_due()
    assert (row_of(one)["status"], mail_due()) == ("processed", 0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM public.notification")
        assert cursor.fetchone() == (0,)


def test_resources_are_freed_where_somebody_frees_them() -> None:
    """The command to free comes last, and only where a backend has a handler for it."""
    arm()
    make_episode(hours=7)
    swept()
    assert not Command.objects.exists()
    Handler.objects.create(name=f"{KIND}.free")
    make_episode(hours=7)
    swept()
    assert Command.objects.get().available_at > timezone.now() + timedelta(minutes=50)


def test_a_run_is_taken_back_as_one() -> None:
    """The host that comes back finds its work: every row in progress again, and not stuck at once."""
    arm()
    made = [make_episode(hours=7), make_episode(hours=9, meta_json="{}")]
    before = [row_of(one) for one in made]
    run = swept()
    operations.take_back(actor(), run.action_id, "the host came back")
    release_due()
    assert [row_of(one) for one in made] == before
    assert services.sweep(KIND).result == "nothing"


def test_only_an_admin_arms_and_any_operator_disarms() -> None:
    """Both are audited, with what was before."""
    with pytest.raises(NotAllowed):
        services.arm(actor(), KIND, None, "why not")
    arm()
    with pytest.raises(NotAllowed):
        services.disarm(actor(Role.VIEWER), KIND)
    services.disarm(actor(), KIND)
    assert not Arming.objects.get().armed
    assert list(Entry.objects.filter(target_type="sweep").order_by("id").values_list("action", flat=True)) == [
        "sweep.arm",
        "sweep.disarm",
    ]


def test_nothing_at_once_is_not_usual() -> None:
    """A limit that every run would pass is refused."""
    with pytest.raises(InvalidInput) as refused:
        arm(most=0)
    assert refused.value.field == "most"
