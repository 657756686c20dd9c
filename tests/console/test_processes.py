"""Processes on the System page: what stays, what is counted as behind, and removing what was lost."""

import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flags.models import Flag
from ops_console import retention
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.contract import queries, services
from ops_console.contract.models import ConfigChange, Instance, Process
from ops_console.contract.watchdog import fold_config_changes
from ops_console.errors import InvalidInput, NotAllowed, NotFound
from tests.api.calling import calling
from tests.people import actor, person, signed_in

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


def make(seconds: float = 0, service: str = "podcast-api", **values: Any) -> Instance:
    """A backend process that reported so many seconds ago, started ten days ago."""
    now = timezone.now()
    given = {
        "host": "node-7",
        "pid": 1,
        "client_version": "1",
        "contract": "v1",
        "revision": queries.revision().revision,
        "token": queries.revision().token,
        "started_at": now - timedelta(days=10),
        "seen_at": now - timedelta(seconds=seconds),
    }
    return Instance.objects.create(id=uuid.uuid4(), service=service, **{**given, **values})


def restart(service: str = "podcast-api") -> Instance:
    return make(service=service, started_at=timezone.now())


def shown(**parameters: str) -> list[uuid.UUID]:
    answer = signed_in(Role.OPERATOR).get("/system/", parameters)
    return [row.pk for row in answer.context["processes"].data["page"].rows]


def expire() -> None:
    for kept in retention.KEPT:
        if kept.what.startswith("processes"):
            kept.expire(timedelta(days=kept.days))


@pytest.fixture(autouse=True)
def nothing_propagates() -> None:
    """No process yet, and no revision that is still propagating."""
    Instance.objects.all().delete()
    ConfigChange.objects.all().delete()
    changed(10, seen=60)


def test_a_lost_process_stays_until_it_is_removed() -> None:
    """Silent for days it is still on the page, first and red, with its last report; retention leaves it."""
    lost, live = make(3 * DAY), make(service="worker")
    expire()
    assert shown() == [lost.pk, live.pk]
    page = signed_in(Role.VIEWER).get("/system/").content.decode()
    row = page.split(f'data-key="{lost.pk}"')[1].split("</tr>")[0]
    assert 'class="status bad"' in row and "3 d ago" in row


def test_a_replaced_process_leaves_by_itself() -> None:
    """After a restart the lost process is shown for an hour, without alarm, and kept for a day."""
    recent, old = make(60), make(2 * DAY)
    new = restart()
    assert set(shown()) == {recent.pk, new.pk}
    assert queries.services()[0].lost == 0
    expire()
    assert set(Instance.objects.values_list("pk", flat=True)) == {recent.pk, new.pk}
    assert not Instance.objects.filter(pk=old.pk).exists()


def test_an_ended_process_is_shown_for_an_hour_and_kept_for_a_month() -> None:
    """A clean end needs no attention, and the overview still knows that a backend was there."""
    ended = make(2 * 3600, ended_as="closed", ended_at=timezone.now())
    expire()
    assert shown() == [] and Instance.objects.filter(pk=ended.pk).exists()
    Instance.objects.update(seen_at=timezone.now() - timedelta(days=31))
    expire()
    assert not Instance.objects.exists()


def test_removing_a_process_is_audited_and_it_may_come_back() -> None:
    """An operator removes a silent process; the audit has it; a report puts it back."""
    lost = make(60)
    client = signed_in(Role.OPERATOR)
    url = f"/system/processes/{lost.pk}/remove/"
    assert "Remove process 1 of podcast-api?" in client.get(url).content.decode()
    assert Instance.objects.exists()
    assert client.post(url).status_code == 303
    assert not Instance.objects.exists()
    entry = Entry.objects.latest("id")
    assert (entry.action, entry.target_label, entry.actor) == (
        "process.remove", "podcast-api on node-7, process 1", "oscar",
    )  # fmt: skip
    assert entry.before is not None and entry.before["state"] == "silent"
    lost.seen_at = timezone.now()
    lost.save(force_insert=True)
    assert shown() == [lost.pk]


def test_a_live_process_cannot_be_removed() -> None:
    """The page offers no button for it, and the service refuses."""
    live = make()
    with pytest.raises(InvalidInput, match="is live"):
        services.remove_process(actor(), live.pk)
    assert "Remove…" not in signed_in(Role.OPERATOR).get("/system/").content.decode()
    assert signed_in(Role.OPERATOR).post(f"/system/processes/{live.pk}/remove/").status_code == 422
    with pytest.raises(NotFound):
        services.remove_process(actor(), uuid.uuid4())


def test_all_lost_processes_of_a_service_are_removed_at_once() -> None:
    """Live, replaced and other services' processes stay; one audit entry says how many went."""
    for pid in range(3):
        make(60, pid=pid)
    others = {make(60, service="other").pk, make().pk}
    client = signed_in(Role.OPERATOR)
    url = "/system/services/backend/podcast-api/remove-lost/"
    assert "3 crashed or silent processes will be removed" in client.get(url).content.decode()
    assert client.post(url).status_code == 303
    assert set(Instance.objects.values_list("pk", flat=True)) == others
    entry = Entry.objects.latest("id")
    assert (entry.action, entry.target_id, entry.before) == ("process.remove_lost", "podcast-api", {"lost": 3})
    assert client.post(url).status_code == 404


@pytest.mark.parametrize("path", ["/system/processes/{}/remove/", "/system/services/backend/podcast-api/remove-lost/"])
def test_a_viewer_removes_nothing(path: str) -> None:
    lost = make(60)
    viewer = signed_in(Role.VIEWER)
    assert viewer.post(path.format(lost.pk)).status_code == 403
    assert "Remove" not in viewer.get("/system/").content.decode()
    with pytest.raises(NotAllowed):
        services.remove_process(actor(Role.VIEWER), lost.pk)
    with pytest.raises(NotAllowed):
        services.remove_lost(actor(Role.VIEWER), "podcast-api", "backend")


@pytest.mark.parametrize("name", ["a/b c?d#e", "ü&x=1", "remove-lost"])
def test_a_service_may_have_any_name(name: str) -> None:
    """A name that holds a slash or a word of the addresses has its links."""
    lost = make(60, service=name)
    page = signed_in(Role.OPERATOR).get("/system/", {"service": name})
    assert [row.pk for row in page.context["processes"].data["page"].rows] == [lost.pk]
    services.remove_lost(actor(), name, "backend")
    assert not Instance.objects.exists()


def test_many_processes_come_in_pages_and_cost_the_same() -> None:
    """120 processes: 50 rows, counts for all, and as many queries as for one."""
    make()
    viewer = signed_in(Role.VIEWER)
    viewer.get("/system/")
    with CaptureQueriesContext(connection) as few:
        viewer.get("/system/")
    for number in range(119):
        make(pid=number, service=f"service-{number % 60:02}", version=f"1.{number}")
    with CaptureQueriesContext(connection) as many:
        answer = viewer.get("/system/")
    assert len(many) == len(few)
    found = answer.context["processes"].data
    assert len(found["page"].rows) == 50 and found["page"].next
    assert {tab.label: tab.count for tab in found["tabs"]}["All"] == 120
    assert len(answer.context["services"].data) == 50
    assert answer.content.decode().count("<tr") < 150
    overview = viewer.get("/").content.decode()
    assert "has all 120 live" in overview and overview.count("node-7") == 10


@pytest.mark.parametrize(
    ("state", "values"),
    [
        ("lost", {"seconds": 60}),
        ("behind", {"revision": None}),
        ("problems", {"problems": [{"flag": "f", "rule": "r", "message": "m"}]}),
        ("ended", {"ended_as": "closed"}),
    ],
)
def test_tabs_hold_their_processes(state: str, values: dict[str, Any]) -> None:
    """Each tab holds the processes of its state alone."""
    make()
    wanted = make(**values)
    assert shown(state=state) == [wanted.pk]


def test_the_lost_tab_and_the_services_count_the_same() -> None:
    """A silent process that was replaced is not lost; it is with those that ended."""
    lost, replaced = make(60, service="other"), make(60)
    restart()
    assert shown(state="lost") == [lost.pk]
    assert shown(state="ended") == [replaced.pk]
    assert {one.name: (one.lost, one.ended) for one in queries.services()} == {"other": (1, 0), "podcast-api": (0, 1)}


def test_hostile_problems_do_not_break_the_page() -> None:
    """What a process reports as problems is data: thousands, or none of the expected keys."""
    make(problems=[{"flag": "f" * 5000, "rule": "r", "message": "<b>"}] * 2000)
    make(problems=["text", 7, None])
    make(problems=7)
    body = signed_in(Role.VIEWER).get("/system/").content.decode()
    assert "and 1995 more" in body and len(body) < 100_000 and "<b>" not in body


def changed(times: int, seen: float | None = None, ago: float = 0) -> None:
    """So many changes of the configuration, so many seconds ago, `seen` committed so many seconds ago."""
    now = timezone.now()
    seen_at = None if seen is None else now - timedelta(seconds=seen)
    number = ConfigChange.objects.count()
    ConfigChange.objects.create(
        xid=-number, topic="x", n=times, token=number * 7, changed_at=now - timedelta(seconds=ago), seen_at=seen_at
    )


def behind() -> set[int]:
    """The processes that are behind, by their process id."""
    return set(Process.objects.filter(behind=True).values_list("pid", flat=True))


def test_a_revision_younger_than_its_propagation_is_not_required() -> None:
    """A process is behind when it lacks a revision that is old enough, not when a new one has just been made."""
    changed(2, seen=6)
    changed(3, seen=1)
    changed(1)
    level, applying, late = make(), make(revision=12, pid=2), make(revision=11, pid=3)
    assert queries.revision().settled_revision == 12
    assert behind() == {late.pid}
    followers = queries.followers()
    assert (followers.total, followers.applied, followers.behind_count) == (3, 1, 1)
    assert [row.pk for row in followers.behind] == [late.pk]
    assert {row.pk for row in Process.objects.filter(applied=True)} == {level.pk} != {applying.pk}


def test_a_change_that_was_long_open_is_required_from_its_commit_on() -> None:
    """A transaction may change the configuration and commit 30 s later: its time begins when it is seen."""
    stuck = make()
    changed(1, seen=1, ago=30)
    assert behind() == set()
    ConfigChange.objects.filter(n=1).update(seen_at=timezone.now() - timedelta(seconds=6))
    assert behind() == {stuck.pid}


def test_what_no_console_saw_is_required_after_a_minute() -> None:
    """Where the task that sees changes does not run, a process that stands still is found all the same."""
    stuck = make()
    changed(1, ago=50)
    assert behind() == set()
    changed(1, ago=61)
    assert behind() == {stuck.pid}


@pytest.mark.parametrize("applied", [{"revision": 11}, {"token": 1}, {"token": None}])
def test_a_process_with_another_servers_revision_is_behind(applied: dict[str, int | None]) -> None:
    """After a failover a process may have a higher number, or the same one with another token."""
    assert make(**applied).pid in behind()
    assert queries.followers().applied == 0


@pytest.mark.django_db(transaction=True)
def test_a_process_that_stands_still_is_behind_though_revisions_never_stop() -> None:
    """While a new revision comes each second, the required one follows; a process that stands still is found."""
    stuck = make()
    for number in range(12):
        Flag.objects.create(name=f"flag-{number}")
        fold_config_changes()
        ConfigChange.objects.update(seen_at=F("seen_at") - timedelta(seconds=1))  # a second passes
    current = queries.revision()
    assert (current.revision, 10 < current.settled_revision < 22) == (22, True)
    assert behind() == {stuck.pid}


def test_a_program_removes_what_was_lost() -> None:
    """The API lists processes, lost ones first, and removes as the page does: an entry with the reason, no live one."""
    lost, live = make(3 * DAY), make(service="worker")
    more = [make(DAY, "mailer"), make(DAY, "mailer")]
    client = calling(Role.OPERATOR)
    listed = client.get("/api/v1/processes", {"state": "lost"}).json()["items"]
    assert {each["id"] for each in listed} == {str(each.pk) for each in (lost, *more)}
    assert client.get("/api/v1/processes").json()["items"][-1]["state"] == "live"
    assert client.delete(f"/api/v1/processes/{live.pk}").json()["code"] == "invalid_input"
    gone = client.delete(f"/api/v1/processes/{lost.pk}", {"reason": "drained"}, content_type="application/json")
    assert (gone.status_code, gone.json()["state"]) == (200, "silent")
    assert Entry.objects.get(action="process.remove").reason == "drained"
    body = {"service": "mailer", "kind": "backend"}
    answer = client.post("/api/v1/processes/remove-lost", body, content_type="application/json")
    assert answer.json() == {"removed": 2}
    assert list(Instance.objects.all()) == [live]


def test_a_shell_removes_what_was_lost() -> None:
    """The same from the command line, for a person who may; a viewer and a live process are refused."""
    lost, live = make(3 * DAY), make(service="worker")
    more = [make(DAY, "mailer"), make(DAY, "mailer")]
    person(Role.OPERATOR), person(Role.VIEWER)
    out = io.StringIO()
    call_command("processes", "list", "--state", "lost", stdout=out)
    assert {json.loads(line)["id"] for line in out.getvalue().splitlines()} == {str(x.pk) for x in (lost, *more)}
    for words in (["remove", str(live.pk), "--as", "oscar"], ["remove", str(lost.pk), "--as", "vera"]):
        with pytest.raises(CommandError):
            call_command("processes", *words)
    call_command("processes", "remove", str(lost.pk), "--as", "oscar", "--reason", "drained", stdout=out)
    call_command("processes", "remove-lost", "mailer", "--as", "oscar", stdout=out)
    assert Entry.objects.get(action="process.remove").reason == "drained"
    assert list(Instance.objects.all()) == [live]
