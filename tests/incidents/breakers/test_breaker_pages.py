"""The breakers' pages, and what each role may do there."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents.breakers import queries
from incidents.breakers.models import Breaker, Override, Report, Transition
from ops_console.access.roles import Role
from ops_console.contract.models import Instance
from ops_console.telemetry.models import ProviderMinute
from tests.audit_rows import past_entry
from tests.people import signed_in

pytestmark = pytest.mark.django_db
LIST = "/breakers/"


def make(name: str = "gemini", **values: Any) -> Breaker:
    config = {"open_seconds": 60, "probe_seconds": 30, "failure_rate": 1.0, "window_calls": 5}
    return Breaker.objects.create(name=name, config=config, **values)


def opened(name: str = "gemini", **values: Any) -> Breaker:
    breaker = make(name, status="open", epoch=1, cause="2 of 3 <b>processes</b>", **values)
    Transition.objects.create(
        breaker=breaker,
        from_status="closed",
        to_status="open",
        epoch=1,
        cause=breaker.cause,
        service="podcast-api",
        instance_id=uuid4(),
    )
    return breaker


def process(breaker: Breaker, status: str = "closed", silent_seconds: float = 0) -> None:
    now = timezone.now()
    instance = Instance.objects.create(
        id=uuid4(),
        service="podcast-api",
        host="web-1",
        pid=7,
        client_version="1",
        contract="v1",
        revision=1,
        started_at=now,
        seen_at=now - timedelta(seconds=silent_seconds),
        problems=[],
        snapshot_source="database",
    )
    Report.objects.create(
        breaker=breaker,
        instance_id=instance.pk,
        status=status,
        epoch=breaker.epoch,
        calls=5,
        failures=4,
        slow=0,
        reported_at=now,
    )


def calls(name: str = "gemini", **values: int) -> None:
    minute = timezone.now().replace(second=0, microsecond=0)
    ProviderMinute.objects.create(provider=name, minute_at=minute, service="podcast-api", **values)


def queries_of_list() -> list[dict[str, str]]:
    client = signed_in(Role.VIEWER)
    client.get(LIST)
    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    return captured.captured_queries


def text(path: str, role: Role = Role.VIEWER) -> str:
    return signed_in(role).get(path).content.decode()


def test_without_breakers_the_page_says_how_to_get_one() -> None:
    """An empty list is no blank page."""
    assert "ops.breaker(name, config)" in text(LIST)


def test_the_list_shows_state_and_shares_and_escapes() -> None:
    """An open breaker's state, cause and failing shares stand in the list; markup in a cause is text."""
    opened()
    calls(attempts=8, failures=6, final_calls=10, final_failures=5, refused=2)
    body = text(LIST)
    assert "Open" in body and "75\u202f%" in body and "50\u202f%" in body
    assert "&lt;b&gt;processes" in body and "<b>processes" not in body


def test_past_its_open_time_it_is_due_for_a_probe() -> None:
    """Without traffic nothing moves the row, and the page still says what the next caller meets."""
    opened(since=timezone.now() - timedelta(seconds=61))
    assert "Half-open due" in text(LIST)


def test_a_probe_whose_lease_ran_out_is_due_again() -> None:
    """A lost probe is not shown as probing for ever."""
    past = timezone.now() - timedelta(seconds=5)
    make(status="half_open", epoch=2, probe_holder=uuid4(), probe_until=past)
    assert "Half-open due" in text(LIST)


def test_a_local_trip_is_seen() -> None:
    """Closed for the fleet, open in one process: the list says so."""
    breaker = make()
    process(breaker, "open")
    process(breaker)
    assert "open in 1 of 2 processes" in text(LIST)


def test_silence_is_told() -> None:
    """When no process reports, the page says since when."""
    process(make(), silent_seconds=60)
    assert "No live process" in text(LIST)


def test_what_needs_a_look_comes_first() -> None:
    """The open one stands above the calm one, and the tab holds it alone."""
    make("auphonic")
    opened("gemini")
    body = text(LIST)
    assert body.index("/breakers/gemini/") < body.index("/breakers/auphonic/")
    assert "/breakers/auphonic/" not in text(f"{LIST}?state=look")
    assert "/breakers/gemini/" not in text(f"{LIST}?q=auph")


def test_the_list_takes_a_constant_number_of_queries() -> None:
    """Twenty breakers cost no more queries than one."""
    process(opened())
    alone = len(queries_of_list())
    for number in range(20):
        process(opened(f"provider-{number}"))
    assert len(queries_of_list()) == alone


def test_many_breakers_come_in_pages() -> None:
    """The list shows 25 and leads to the rest; those that need attention come first; the CSV holds all."""
    for number in range(35):
        make(f"provider-{number:02}")
    opened("zeta")
    client = signed_in(Role.VIEWER)
    first = client.get(LIST)
    assert [len(first.context["rows"]), first.context["rows"][0][0].name] == [25, "zeta"]
    rest = client.get(LIST, {"cursor": first.context["page"].next})
    assert [len(rest.context["rows"]), rest.context["page"].next] == [11, ""]
    assert [tab.count for tab in first.context["tabs"]] == [36, 1, 0]
    lines = b"".join(client.get(f"{LIST}?format=csv")).decode().splitlines()  # type: ignore[arg-type]
    assert len(lines) == 1 + 36


def test_many_processes_are_counted_and_the_first_are_shown() -> None:
    """A page shows 50 processes, those that opened the breaker first, and counts all of them."""
    breaker = make()
    for _ in range(60):
        process(breaker)
    process(breaker, "open")
    state = signed_in(Role.VIEWER).get("/breakers/gemini/").context["breaker"]
    assert (state.processes, state.open_in, len(state.seen), state.seen[0].status) == (61, 1, 50, "open")
    assert "open in 1 of 61 processes" in text(LIST)


def test_a_report_of_an_earlier_epoch_counts_as_closed() -> None:
    """A process that has not applied the current epoch reports what it saw before."""
    breaker = make(epoch=3)
    process(breaker, "open")
    Report.objects.update(epoch=2)
    state = signed_in(Role.VIEWER).get("/breakers/gemini/").context["breaker"]
    assert (state.open_in, state.processes, state.seen[0].status, state.seen[0].failures) == (0, 1, "closed", 0)


def test_the_overview_shows_the_first_breakers_and_counts_all() -> None:
    """Twelve breakers, those that need attention first, whatever their number."""
    for number in range(60):
        make(f"provider-{number:02}")
    opened("zeta")
    answer = signed_in(Role.VIEWER).get("/")
    found = answer.context["breakers"].data
    assert (len(found.states), found.total, found.troubled, found.states[0].name) == (12, 61, 1, "zeta")
    assert "61 breakers" in answer.content.decode()


def test_a_breakers_page_shows_timeline_chart_and_settings() -> None:
    """Transitions with their cause, the hour as drawing and table, and what the code set."""
    process(opened())
    calls(attempts=8, failures=6, refused=2)
    body = text(reverse("breakers:page", args=["gemini"]))
    assert "&lt;b&gt;processes" in body and "8 attempts, 6 failed, 2 refused" in body
    assert "Show as table" in body and "Window (calls)" in body and "web-1, 7" in body


def move(breaker: Breaker, from_status: str, to_status: str, seconds_ago: float, cause: str = "") -> Transition:
    return Transition.objects.create(
        breaker=breaker,
        at=timezone.now() - timedelta(seconds=seconds_ago),
        from_status=from_status,
        to_status=to_status,
        epoch=1,
        cause=cause,
        service="podcast-api",
        instance_id=uuid4(),
    )


def probes(breaker: Breaker, count: int, every: float, until: float = 0) -> None:
    """So many failed probes, the last one so many seconds ago."""
    for number in reversed(range(count)):
        move(breaker, "open", "half_open", until + number * every + 1)
        move(breaker, "half_open", "open", until + number * every, f"probe {count - number} failed")


def events_of(path: str) -> list[str]:
    return [event.what for event in signed_in(Role.VIEWER).get(path).context["timeline"].rows]


def test_failed_probes_in_a_row_are_one_event() -> None:
    """Twelve probes that failed are told in one line, with their pace and the last cause; what surrounds them stays."""
    breaker = make()
    move(breaker, "closed", "open", 600)
    probes(breaker, 12, every=23, until=100)
    move(breaker, "open", "half_open", 50)
    move(breaker, "half_open", "closed", 49)
    assert events_of("/breakers/gemini/") == [
        "Closed",
        "Half-open",
        "12 failed probes, every 23 s",
        "Open",
    ]
    assert "probe 12 failed" in text("/breakers/gemini/")


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, ["Open", "Half-open", "Open"]), (2, ["2 failed probes, every 30 s", "Open"])],
)
def test_a_single_failed_probe_stays_as_it_is(count: int, shown: list[str]) -> None:
    breaker = make()
    move(breaker, "closed", "open", 600)
    probes(breaker, count, every=30)
    assert events_of("/breakers/gemini/") == shown


def test_lost_probes_are_counted_beside_failed_ones() -> None:
    """A probe whose process died is no failure of the provider."""
    breaker = make()
    probes(breaker, 1, every=1, until=90)
    move(breaker, "open", "half_open", 60)
    move(breaker, "half_open", "half_open", 30)
    move(breaker, "half_open", "open", 10)
    assert events_of("/breakers/gemini/") == ["2 failed probes, every 1 min 20 s; 1 more lost"]


def test_the_timeline_comes_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page reads a bounded number of transitions and acts; no event is lost or told twice between pages."""
    monkeypatch.setattr(queries, "READ_MOVES", 10)
    monkeypatch.setattr(queries, "SHOWN_EVENTS", 4)
    breaker = make()
    for number in range(16):
        move(breaker, "closed", "open", 1000 - number * 20)
        move(breaker, "open", "closed", 990 - number * 20)
    for number in range(9):
        past_entry(
            at=timezone.now() - timedelta(seconds=995 - number * 40), actor="oscar", via="web",
            action="breaker.force_open", target_type="breaker", target_id="gemini", target_label="gemini",
            after={"mode": "force_open"}, reason=f"act {number}",
        )  # fmt: skip
    seen, cursor = [], ""
    for _ in range(20):
        found = queries.timeline("gemini", cursor)
        seen += found.rows
        assert len(found.rows) <= 14
        cursor = found.next
        if not cursor:
            break
    assert [event.at for event in seen] == sorted((event.at for event in seen), reverse=True)
    assert (len(seen), sum(event.who == "oscar" for event in seen)) == (32 + 9, 9)
    page = signed_in(Role.VIEWER).get("/breakers/gemini/")
    older = signed_in(Role.VIEWER).get("/breakers/gemini/", {"cursor": page.context["timeline"].next})
    assert older.status_code == 200 and "Newest events" in older.content.decode()
    assert signed_in(Role.VIEWER).get("/breakers/gemini/?cursor=nonsense").status_code == 422


def test_the_state_of_a_flapping_breaker_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart reads the newest transitions of the hour and leaves out what came before them."""
    monkeypatch.setattr(queries, "READ_MOVES", 4)
    breaker = make(registered_at=timezone.now() - timedelta(days=1))
    probes(breaker, 5, every=60)
    found = queries.history("gemini", timezone.now() - timedelta(hours=1))
    assert [status for _, status in found] == ["", "half_open", "open", "half_open", "open"]


@pytest.mark.parametrize("name", ["eu/gemini", "a b?c#d", "override", "ü"])
def test_a_name_may_be_any_text(name: str) -> None:
    """A name that holds a slash, or a word of the addresses, has its links, its page and its way to an override."""
    make(name)
    viewer = signed_in(Role.VIEWER)
    assert viewer.get(LIST).status_code == 200
    page = viewer.get(reverse("breakers:page", args=[name]))
    assert (page.status_code, page.context["breaker"].name) == (200, name)
    asked = signed_in(Role.OPERATOR).get(reverse("breakers:override", args=[name]) + "?mode=force_open")
    assert asked.status_code == 200


def test_an_unknown_breaker_is_404() -> None:
    """With a sentence, not a bare error."""
    answer = signed_in(Role.VIEWER).get("/breakers/gemimi/")
    assert answer.status_code == 404 and "There is no breaker named gemimi" in answer.content.decode()


def test_an_override_asks_first_and_says_what_it_does() -> None:
    """GET shows the effect in numbers and changes nothing."""
    make()
    calls(attempts=8, failures=6, final_calls=1200, final_failures=600)
    body = text("/breakers/gemini/override/?mode=force_open", Role.OPERATOR)
    assert "Every call is refused. 1,200 calls" in body and "50\u202f% of them failed" in body
    assert not Override.objects.exists()


def test_an_override_is_put_in_force_with_undo() -> None:
    """POST forces it; the notice carries the way back, and that way works."""
    make()
    client = signed_in(Role.OPERATOR)
    form = {"seconds": 3600, "reason": "vendor asked", "version": 0}
    answer = client.post("/breakers/gemini/override/?mode=force_open", form, headers={"HX-Request": "true"})
    undo = reverse("breakers:clear", args=["gemini", 1])
    assert answer.status_code == 204 and undo in answer.headers["HX-Trigger"]
    body = text(reverse("breakers:page", args=["gemini"]))
    assert "Forced open" in body and "vendor asked" in body and "oscar" in body
    client.post(undo)
    assert Override.objects.get().mode == ""


def test_an_override_without_a_reason_is_asked_again() -> None:
    """422 with the field's error; nothing is written."""
    make()
    answer = signed_in(Role.OPERATOR).post("/breakers/gemini/override/?mode=disabled", {"seconds": 900, "version": 0})
    assert answer.status_code == 422 and not Override.objects.exists()


def test_an_unknown_override_is_404() -> None:
    """There are three, and a sentence says which."""
    make()
    assert signed_in(Role.OPERATOR).get("/breakers/gemini/override/?mode=explode").status_code == 404


def test_an_older_form_gets_both_versions() -> None:
    """409, with what stands now."""
    make()
    client = signed_in(Role.OPERATOR)
    form = {"seconds": 3600, "reason": "first", "version": 0}
    client.post("/breakers/gemini/override/?mode=force_open", form)
    answer = client.post("/breakers/gemini/override/?mode=force_open", form | {"reason": "second"})
    assert answer.status_code == 409 and "first" in answer.content.decode() and "second" in answer.content.decode()


@pytest.mark.parametrize("path", ["override/?mode=force_open", "clear/1/"])
def test_a_viewer_may_not_act(path: str) -> None:
    """A viewer's POST is refused, and the page offers them nothing to press."""
    make()
    form = {"seconds": 3600, "reason": "x", "version": 0}
    assert signed_in(Role.VIEWER).post(f"/breakers/gemini/{path}", form).status_code == 403
    assert "Force open" not in text("/breakers/gemini/")


def test_it_can_be_had_as_csv() -> None:
    """What is shown, as rows."""
    opened()
    body = b"".join(signed_in(Role.VIEWER).get(f"{LIST}?format=csv")).decode()  # type: ignore[arg-type]
    assert body.splitlines()[1].startswith("gemini,Open,")
