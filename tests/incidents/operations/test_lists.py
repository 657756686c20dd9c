"""Lists over every source: what each state holds, in which order, and what each filter leaves."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.breakers.models import Breaker, Transition
from incidents.operations import counting, services
from incidents.operations.filters import scope_of
from incidents.operations.listing import list_page, scan
from incidents.operations.models import Action, Chunk, OperationMark, TrackedEvent, TrackedOperation
from incidents.operations.queries import counts, detail, stuck_count
from incidents.operations.release import release_due
from incidents.operations.scope import EVIDENCE, Scope
from incidents.operations.shown import csv_rows, shown
from incidents.operations.sources import STATES
from incidents.operations.timeline import timeline
from ops_console.access.roles import Role
from ops_console.errors import InvalidInput
from tests.api.calling import calling
from tests.incidents.operations.conftest import USER, MakeEpisode, make_episode, set_status
from tests.incidents.operations.tracked_rows import make_tracked, make_watch
from tests.people import actor, signed_in
from tests.podcast import add_user

pytestmark = pytest.mark.django_db
LIST = "/operations/"
HOUR = 3600


def ids(state: str = "stuck", kind: str = "", **more: Any) -> list[str]:
    return [one.operation_id for one in list_page(Scope(kind=kind, state=state, **more)).rows]


def verdict(operation_id: str, kind: str) -> tuple[str, str]:
    (line,) = shown([detail(kind, operation_id).operation])
    return line.verdict, line.evidence


def test_all_sources_in_one_order() -> None:
    """Rows of foreign tables and of what backends track stand in one list, the longest silent first."""
    tracked = make_tracked("notes", silent_seconds=4 * HOUR)
    episode, watch = make_episode(hours=3), make_watch("processing", hours=5)
    young = make_tracked("young", silent_seconds=90)
    assert ids() == [watch, tracked, episode, young]
    assert ids(ascending=False) == [young, episode, tracked, watch]
    assert stuck_count().number == 4


def test_pages_over_all_sources_are_whole() -> None:
    """Keyset pages, forward and back, show every row once also where the times of several sources are equal."""
    at = timezone.now() - timedelta(hours=9)
    naive = at.replace(tzinfo=None)
    made = {make_episode(processed_at=naive) for _ in range(7)}
    made |= {make_tracked(f"t{n}", started_at=at, heartbeat_at=at) for n in range(7)}
    made |= {make_tracked(f"u{n}", kind="cover_art", started_at=at, heartbeat_at=at) for n in range(7)}
    seen, cursor, pages = [], "", []
    while True:
        page = list_page(Scope(kind=""), cursor, size=4)
        pages.append(page)
        seen += [one.operation_id for one in page.rows]
        cursor = page.next
        if not cursor:
            break
    assert len(seen) == len(made) == 21 and set(seen) == made
    back = list_page(Scope(kind=""), pages[2].previous, size=4)
    assert [one.operation_id for one in back.rows] == seen[4:8]


def test_a_cursor_of_another_list_is_refused() -> None:
    """A cursor that names no id of its source is told so."""
    cursor = list_page(Scope(kind=""), size=1).next
    make_tracked("a", silent_seconds=HOUR), make_tracked("b", silent_seconds=HOUR)
    cursor = list_page(Scope(kind=""), size=1).next
    with pytest.raises(InvalidInput):
        list_page(Scope(kind=""), cursor[:-4] + "AAAA")


def test_dead_is_what_was_alive() -> None:
    """A tracked one whose heartbeat is past its kind's limit is dead; an age alone is only suspected."""
    dead, suspected = make_tracked("notes", silent_seconds=90), make_episode(hours=3)
    assert verdict(dead, "show_notes") == ("dead", "last heartbeat 1 min 30 s ago; limit 1 min")
    assert verdict(suspected, "episode_assembly")[0] == "suspected"
    assert (ids(evidence="dead"), ids(evidence="suspected")) == ([dead], [suspected])


def test_a_foreign_row_that_was_alive_is_dead() -> None:
    """A heartbeat that has stopped tells more than an age; one that goes on keeps the row from being stuck."""
    silent, alive = make_episode(hours=9), make_episode(hours=9)
    _mark(silent, heartbeat_at=timezone.now() - timedelta(hours=3))
    _mark(alive, heartbeat_at=timezone.now())
    assert ids() == ids(evidence="dead") == [silent]
    assert verdict(silent, "episode_assembly")[0] == "dead"


def test_each_kind_has_its_own_limit() -> None:
    """The limit that a backend said for a kind is the one that counts, in the list over all kinds too."""
    make_tracked("patient", kind="export", silent_seconds=100)
    TrackedOperation.objects.filter(pk="patient").update(kind="export")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ops.operations_trackedkind SET dead_after_seconds = 300")
    dead = make_tracked("hasty", kind="ping", silent_seconds=100)
    assert ids() == [dead]


def test_a_command_counts_as_news() -> None:
    """Retried a minute ago is not stuck again, whatever source it is of."""
    tracked, episode = make_tracked("notes", silent_seconds=HOUR), make_episode(hours=9)
    for kind, one in (("show_notes", tracked), ("episode_assembly", episode)):
        OperationMark.objects.create(kind=kind, operation_id=one, last_command_at=timezone.now(), version=1)
    assert ids() == []


def test_slow_is_alive_and_late() -> None:
    """Alive past what was expected is slow, with by how much; dead past it is dead."""
    late = timezone.now() - timedelta(minutes=5)
    slow = make_tracked("slow", expected_at=late, is_slow=True)
    make_tracked("dead", silent_seconds=90, expected_at=late, is_slow=True)
    make_tracked("quick")
    foreign = make_episode(hours=1)
    _mark(foreign, heartbeat_at=timezone.now())
    make_episode(hours=1)
    assert set(ids("slow")) == {slow, foreign}
    assert verdict(slow, "show_notes")[0] == "slow"
    assert "was expected 5 min ago" in verdict(slow, "show_notes")[1]
    assert "usually within 30 min" in verdict(foreign, "episode_assembly")[1]


def test_waiting_and_failed() -> None:
    """Queued is waiting however long it waits; of what failed the newest comes first."""
    waiting = make_tracked("queued", status="queued", silent_seconds=9 * HOUR)
    old = make_tracked("old", status="failed", silent_seconds=HOUR)
    new = make_episode(hours=0.5, status="error")
    assert (ids("waiting"), ids("failed"), ids()) == ([waiting], [new, old], [])


def test_recently_resolved_is_over() -> None:
    """What operators acted on in the last day stands there once it is over: a retry only when its work is done."""
    failed, retried, again, long_ago = (make_episode() for _ in range(4))
    for one, verb in ((failed, "fail"), (retried, "retry"), (again, "retry"), (long_ago, "fail")):
        services.start(actor(), Scope(ids=(one,)), verb, "reason")
    release_due()
    OperationMark.objects.filter(operation_id=long_ago).update(last_command_at=timezone.now() - timedelta(days=2))
    assert ids("resolved") == [failed]
    set_status(retried, "processed")
    set_status(again, "error")
    assert set(ids("resolved")) == {failed, retried}


def test_counts_of_all_states() -> None:
    """Each tab counts every source in one statement."""
    make_tracked("a", silent_seconds=90), make_tracked("b", status="queued"), make_tracked("c", status="failed")
    make_episode(), make_watch("error: gone")
    found = {state: count.number for state, count in counts(Scope(kind="")).items()}
    assert found == {
        "stuck": 2,
        "slow": 0,
        "waiting": 1,
        "in_progress": 2,
        "failed": 2,
        "resolved": 0,
        "dead": 1,
        "suspected": 1,
    }
    assert set(counts(Scope(kind="", state="failed"))) == set(STATES)


def test_dead_and_suspected_are_counted_beside_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each over all sources, whichever the list is narrowed to; up to a number of rows, and then as "at least"."""
    for silent_hours in (9, 8, 7):
        _mark(make_episode(hours=20), heartbeat_at=timezone.now() - timedelta(hours=silent_hours))
    make_episode(hours=3), make_tracked("a", silent_seconds=90)

    def found(**narrowed: str) -> dict[str, str]:
        return {name: count.text for name, count in counts(Scope(kind="", **narrowed)).items() if name in EVIDENCE}

    assert found() == found(evidence="dead") == found(evidence="suspected") == {"dead": "4", "suspected": "1"}
    monkeypatch.setattr(counting, "TAB_CAP", 3)
    monkeypatch.setattr(counting, "CAP", 3)
    assert found() == {"dead": "3+", "suspected": "1+"}
    monkeypatch.setattr(counting, "TAB_CAP", 1)
    monkeypatch.setattr(counting, "CAP", 1)
    assert found() == {"dead": "1+", "suspected": "0+"}


def test_filters_leave_what_they_say() -> None:
    """Worker, tier, attempts, time window, action and error group, on every source that knows them."""
    wanted = make_tracked("wanted", silent_seconds=HOUR, worker="w1", tier="pro", attempt=4)
    other = make_tracked("other", silent_seconds=2 * HOUR, worker="w2", tier="free")
    episode = make_episode(hours=3)
    _mark(episode, attempts=5)
    assert ids(worker="w1") == [wanted]
    assert ids(tier="pro") == [wanted]
    assert set(ids(attempts=4)) == {wanted, episode}
    assert ids(since=timezone.now() - timedelta(hours=1.5)) == [wanted]
    assert ids(until=timezone.now() - timedelta(hours=1.5)) == [episode, other]
    action = services.start(actor(), Scope(kind="show_notes", ids=(other,)), "fail", "x")
    assert ids(run=action.pk) == [other]
    assert Chunk.objects.filter(action=action).count() == 1


def test_the_directory_knows_the_tier() -> None:
    """A foreign row's tier is its owner's."""
    _user("pro")
    mine = make_episode()
    make_episode(user_id="00000000-0000-4000-8000-000000000009")
    assert ids(tier="pro") == [mine]


def test_search_takes_id_title_and_mail() -> None:
    """An id finds its row, a part of a title its rows, and somebody's mail theirs."""
    _user("pro")
    one = make_episode(title="About whales")
    make_episode(title="Other", user_id="00000000-0000-4000-8000-000000000009")
    viewer = signed_in(Role.VIEWER)
    for text in (one, one[:9], one[:7].upper(), "whale", "pat@example", "Pat@example.org"):
        assert [row.operation.operation_id for row in viewer.get(LIST, {"q": text}).context["rows"]] == [one]


def test_a_whole_mail_means_its_user() -> None:
    """Then no title is searched: an index serves the rest."""
    _user("pro")
    scope = scope_of(QueryDict("q=pat@example.org"))
    assert (len(scope.owners or ()), scope.text) == (1, "")
    assert scope_of(QueryDict("q=pat@example")).text == "pat@example"


def test_filters_are_in_the_address() -> None:
    """Every filter of the list is a parameter of its address."""
    make_tracked("wanted", silent_seconds=HOUR, worker="w1")
    make_tracked("other", silent_seconds=HOUR, worker="w2")
    viewer = signed_in(Role.VIEWER)
    found = viewer.get(LIST, {"worker": "w1", "kind": "show_notes", "attempt": "1", "since": "2020-01-01T00:00"})
    assert [row.operation.operation_id for row in found.context["rows"]] == ["wanted"]


def test_error_groups_link_to_their_operations() -> None:
    """Failures are counted by kind and error, and each group leads to its rows."""
    for name, group in (("a", "g1"), ("b", "g1"), ("c", "g2")):
        make_tracked(name, status="failed", error_type="E", error_message=f"gone {name}", error_group=group)
    for number in (1, 2):
        make_episode(status="error", meta_json=json.dumps({"error_reason": f"provider answered {number}"}))
    viewer = signed_in(Role.VIEWER)
    groups = viewer.get("/operations/errors/").context["groups"]
    assert [one.number for one in groups] == [2, 2, 1]
    assert {(one.kind, one.number) for one in groups[:2]} == {("episode_assembly", 2), ("show_notes", 2)}
    for group in groups:
        rows = viewer.get(LIST, {"state": "failed", "kind": group.kind, "group": group.group}).context["rows"]
        assert len(rows) == group.number


def test_html_in_an_error_is_text() -> None:
    """What a backend writes is shown as text, in the list, in the groups and on its page."""
    evil = "<script>alert(1)</script>"
    make_tracked(
        "evil", status="failed", title=evil, error_message=evil, error_group="g", worker=evil, progress_note=evil
    )
    viewer = signed_in(Role.VIEWER)
    for url in (f"{LIST}?state=failed", "/operations/errors/", "/operations/show_notes/evil/"):
        text = viewer.get(url).content.decode()
        assert evil not in text and "&lt;script&gt;alert(1)" in text


def test_a_tracked_page_tells_everything() -> None:
    """Events, progress, resources, error, who holds it, and how its providers' breakers stood meanwhile."""
    began = timezone.now() - timedelta(minutes=10)
    make_tracked(
        "notes",
        started_at=began,
        worker="w1",
        progress_rate=0.4,
        progress_note="asking gemini",
        resources=[{"uri": "gs://work/a"}],
        payload={"episode": "e1"},
        error_message="",
    )
    TrackedEvent.objects.create(
        kind="show_notes", operation_id="notes", what="started", attempt=1, version=0, worker="w1"
    )
    Breaker.objects.create(name="gemini", config={})
    for minutes, status in ((30, "open"), (5, "closed")):
        Transition.objects.create(
            breaker_id="gemini",
            at=timezone.now() - timedelta(minutes=minutes),
            from_status="closed",
            to_status=status,
            epoch=1,
            cause="5 of 5 failed",
            service="s",
            instance_id=USER,
        )
    text = signed_in(Role.VIEWER).get("/operations/show_notes/notes/").content.decode()
    for said in ("asking gemini", "gs://work/a", "w1", "Started", "Breaker gemini open", "Breaker gemini closed", "e1"):
        assert said in text


def test_ids_may_hold_slashes() -> None:
    """Whatever a backend calls its work, it has a page and can be selected."""
    make_tracked("notes/2026/1", silent_seconds=HOUR)
    operator = signed_in(Role.OPERATOR)
    assert operator.get("/operations/show_notes/notes/2026/1/").status_code == 200
    assert 'value="show_notes/notes/2026/1"' in operator.get(LIST).content.decode()
    sent = {"verb": "fail", "ids": "show_notes/notes/2026/1", "state": "stuck", "sure": "1", "reason": "gone"}
    assert operator.post("/operations/act/", sent).status_code == 303
    release_due()
    assert TrackedOperation.objects.get().status == "failed"


def test_one_kind_at_a_time() -> None:
    """Rows of two kinds are not acted on together, and neither are all that match of all kinds."""
    make_tracked("notes", silent_seconds=HOUR)
    episode = make_episode()
    operator = signed_in(Role.OPERATOR)
    both = {"verb": "fail", "ids": ["show_notes/notes", f"episode_assembly/{episode}"], "state": "stuck"}
    assert "several kinds" in operator.post("/operations/act/", both).content.decode()
    assert operator.post("/operations/act/", {"verb": "fail", "all": "1", "query": ""}).status_code == 422
    assert not Action.objects.exists()


def test_tracked_operations_are_failed_and_retried_like_any() -> None:
    """The same actions: failed with the reason in its row; retried to queued, under the next version."""
    make_tracked("notes", silent_seconds=HOUR, payload={"episode": "e1"})
    services.start(actor(), Scope(kind="show_notes", ids=("notes",)), "fail", "gone")
    release_due()
    row = TrackedOperation.objects.get()
    assert (row.status, row.failure["error_reason"]) == ("failed", "gone")
    action = services.start(actor(), Scope(kind="show_notes", state="failed", ids=("notes",)), "retry", "again")
    release_due()
    row.refresh_from_db()
    command = action.commands.get()
    assert (row.status, command.versions, command.payloads) == ("queued", [2], [{"episode": "e1"}])


def test_a_heartbeat_after_the_click_saves_it() -> None:
    """What was dead when the operator looked and is alive when the time comes is left alone; what is slow is not."""
    make_tracked("dead", silent_seconds=HOUR)
    late = timezone.now() - timedelta(minutes=5)
    make_tracked("slow", expected_at=late, is_slow=True)
    started = TrackedOperation.objects.values_list("pk", flat=True)
    assert set(started) == {"dead", "slow"}
    services.start(actor(), Scope(kind="show_notes", ids=("dead",)), "fail", "silent")
    services.start(actor(), Scope(kind="show_notes", state="slow", ids=("slow",)), "fail", "too slow")
    TrackedOperation.objects.update(heartbeat_at=timezone.now() + timedelta(seconds=1))
    release_due()
    assert dict(TrackedOperation.objects.values_list("pk", "status")) == {"dead": "running", "slow": "failed"}


def test_the_command_line_lists_every_kind() -> None:
    """One object a line, of a kind or of all, narrowed as the page is; groups and one operation too."""
    make_tracked("notes", silent_seconds=HOUR, worker="w1", owner_id="u1")
    episode = make_episode()
    assert [line["id"] for line in run("list", "--stuck", "--json")] == [episode, "notes"]
    (line,) = run("list", "--stuck", "--kind", "episode_assembly", "--json")
    assert line["since"].endswith("+00:00")
    assert (line["id"], line["kind"], line["owner"]) == (episode, "episode_assembly", USER)
    assert [line["id"] for line in run("list", "--worker", "w1")] == ["notes"]
    make_tracked("gone", status="failed", error_group="g", error_message="no bucket")
    assert run("groups")[0]["group"] == "g"
    (said,) = run("show", "notes", "--json")
    assert (said["kind"], said["verdict"], said["cannot_retry"]) == ("show_notes", "dead", "")
    with pytest.raises(CommandError, match="nothing has this id"):
        run("show", "nobody")
    with pytest.raises(CommandError, match="--attempt"):
        run("list", "--attempt", "many")


def test_the_api_reads_what_the_page_reads() -> None:
    """List, groups and one operation over HTTP, in pages, with the evidence and what keeps it from being retried."""
    client = calling(Role.VIEWER, ["operations:read"])
    make_tracked("notes/1", silent_seconds=HOUR, error_group="")
    episode = make_episode(meta_json=None)
    first = client.get("/api/v1/operations?limit=1").json()
    assert [one["id"] for one in first["items"]] == [episode]
    second = client.get(first["next"]).json()
    assert ([one["id"] for one in second["items"]], second["next"]) == (["notes/1"], None)
    one = client.get(f"/api/v1/operations/episode_assembly/{episode}").json()
    assert "main_content_filename" in one["cannot_retry"] and one["cannot_fail"] == ""
    assert client.get("/api/v1/operations/show_notes/notes%2F1").json()["verdict"] == "dead"
    assert client.get("/api/v1/operations?kind=nothing").status_code == 404
    assert client.get("/api/v1/operations?state=odd").status_code == 422
    assert client.get("/api/v1/operation-groups").json() == []


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_zones_change_no_answer_of_any_source(zone: str) -> None:
    """Whatever zone the session has, the same rows are stuck, since the same moment, in every page of the list."""
    watch, episode = make_watch("processing", hours=1.05), make_episode(hours=2.05)
    make_watch("processing", hours=0.95), make_episode(hours=1.95)
    tracked = make_tracked("notes", silent_seconds=90)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    first = list_page(Scope(kind=""), size=2)
    second = list_page(Scope(kind=""), first.next, size=2)
    found = [*first.rows, *second.rows]
    assert [one.operation_id for one in found] == [episode, watch, tracked]
    ago = [(timezone.now() - one.since).total_seconds() for one in found]
    assert ago == pytest.approx([2.05 * HOUR, 1.05 * HOUR, 90], abs=20)


def test_scan_holds_what_the_list_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a bulk works through is what the list shows, page by page."""
    monkeypatch.setattr("incidents.operations.listing.SCAN_SIZE", 3)
    made = {make_tracked(f"t{n}", silent_seconds=HOUR + n) for n in range(8)}
    assert {row["operation_id"] for rows in scan(Scope(kind="show_notes")) for row in rows} == made


def test_csv_begins_after_a_small_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first lines are there before a whole batch has been read; every row comes once."""
    monkeypatch.setattr("incidents.operations.shown.FIRST_BATCH", 2)
    monkeypatch.setattr("incidents.operations.listing.SCAN_SIZE", 3)
    made = {make_tracked(f"t{n}", silent_seconds=HOUR + n) for n in range(8)}
    lines = csv_rows(Scope(kind="show_notes"))
    with CaptureQueriesContext(connection) as asked:
        first = next(lines)
    assert any("LIMIT 3)" in one["sql"] for one in asked)
    rest = [line[0] for line in lines]
    assert len(rest) == 7 and {first[0], *rest} == made


def test_the_timeline_is_bounded_and_sorted(episode: MakeEpisode) -> None:
    """The newest first."""
    one = episode()
    services.start(actor(), Scope(ids=(one,)), "fail", "because")
    release_due()
    events = timeline(detail("episode_assembly", one))
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
    assert any("because" in event.detail for event in events)


def run(*arguments: str) -> list[Any]:
    out = StringIO()
    call_command("operations", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def _mark(operation_id: str, kind: str = "episode_assembly", **values: Any) -> None:
    OperationMark.objects.create(kind=kind, operation_id=operation_id, **values)


def _user(tier: str) -> None:
    add_user(USER, "pat@example.org", "Pat", "Doe", tier)
