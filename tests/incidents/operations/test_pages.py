"""The pages: what they show, to whom, and what they ask before they do."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents.operations import counting, services
from incidents.operations.models import Action, Command, OperationMark
from incidents.operations.release import release_due
from incidents.operations.scope import Scope
from incidents.operations.sources.schema import forget
from ops_console.access.roles import Role
from ops_console.web import Key, Keyset
from tests.incidents.operations.conftest import USER, MakeEpisode, row_of
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db
LIST = "/operations/"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(Role.OPERATOR)


@pytest.fixture
def viewer(db: None) -> Client:
    return signed_in(Role.VIEWER)


def text_of(response: Any) -> str:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body.decode()


def act(client: Client, **sent: Any) -> Any:
    return client.post(reverse("operations:act"), sent)


def test_the_list_shows_what_is_stuck(viewer: Client, episode: MakeEpisode) -> None:
    """Title, user's mail, since, and what the suspicion rests on; nothing else that is in progress."""
    _user()
    episode(hours=3, title="Stuck one")
    episode(hours=1, title="Young one")
    text = text_of(viewer.get(LIST))
    assert "Stuck one" in text and "Young one" not in text
    assert "pat@example.org" in text
    assert "no heartbeat; processed_at 3 h ago, limit 2 h" in text


def test_titles_are_escaped(viewer: Client, episode: MakeEpisode) -> None:
    """HTML in a title is text, on the list and on the operation's own page."""
    one = episode(title=EVIL)
    for url in (LIST, reverse("operations:page", args=["episode_assembly", one])):
        text = text_of(viewer.get(url))
        assert EVIL not in text
        assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    ("title", "written"),
    [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t'=1")],
)
def test_formulas_are_text_in_csv(viewer: Client, episode: MakeEpisode, title: str, written: str) -> None:
    """What a spreadsheet would run is marked as text."""
    episode(title=title)
    line = text_of(viewer.get(LIST, {"format": "csv"})).splitlines()[1]
    assert f",{written}," in line


def test_csv_holds_what_is_shown(viewer: Client, episode: MakeEpisode) -> None:
    """The download has the filter and the state of the page, with all its rows."""
    _user()
    for number in range(55):
        episode(title=f"Wanted {number}")
    episode(title="Other")
    lines = text_of(viewer.get(LIST, {"format": "csv", "q": "Wanted"})).splitlines()
    assert len(lines) == 56
    assert lines[0] == "id,kind,user_id,user,title,status,since,evidence"
    assert all("pat@example.org" in line for line in lines[1:])


def test_tabs_count(viewer: Client, episode: MakeEpisode) -> None:
    """Each state has its count beside its name."""
    episode(), episode(), episode(hours=1), episode(status="error")
    text = " ".join(text_of(viewer.get(LIST)).split())
    assert 'Stuck <span class="count num">2</span>' in text
    assert 'In progress <span class="count num">3</span>' in text
    assert 'Failed <span class="count num">1</span>' in text


def test_a_capped_count_says_so(viewer: Client, episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting stops somewhere, and the page does not pretend otherwise."""
    monkeypatch.setattr(counting, "TAB_CAP", 51)
    monkeypatch.setattr(counting, "CAP", 51)
    for _ in range(53):
        episode()
    assert "Stuck 51+" in text_of(viewer.get(LIST))


def test_pages_in_the_url(viewer: Client, episode: MakeEpisode) -> None:
    """The next page is a link, and an old or cut link is told so."""
    for number in range(60):
        episode(title=f"Number {number}.", hours=3 + number)
    first = viewer.get(LIST)
    second = viewer.get(LIST, {"cursor": first.context["page"].next})
    assert len(first.context["rows"]) == 50 and len(second.context["rows"]) == 10
    assert viewer.get(LIST, {"cursor": "nonsense"}).status_code == 422


def test_a_constant_number_of_queries(viewer: Client, episode: MakeEpisode) -> None:
    """Fifty rows cost the queries of one."""
    _user()
    episode()
    viewer.get(LIST)
    with CaptureQueriesContext(connection) as few:
        viewer.get(LIST)
    for _ in range(49):
        episode()
    with CaptureQueriesContext(connection) as many:
        viewer.get(LIST)
    assert len(many) == len(few) <= 24


def test_owner_is_found_by_mail(viewer: Client, episode: MakeEpisode) -> None:
    """A part of a mail or an id finds the user's rows; nobody's mail finds none."""
    _user()
    episode(title="Mine")
    assert "Mine" in text_of(viewer.get(LIST, {"owner": "pat@"}))
    assert "Mine" in text_of(viewer.get(LIST, {"owner": USER}))
    assert "Mine" not in text_of(viewer.get(LIST, {"owner": "nobody@"}))


@pytest.mark.parametrize("query", [{"q": "\0"}, {"age": "x"}, {"state": "bad"}, {"kind": "bad"}, {"q": "'%_\\"}])
def test_odd_filters_do_no_harm(viewer: Client, episode: MakeEpisode, query: dict[str, str]) -> None:
    """A URL that was typed wrong shows a page."""
    episode()
    assert viewer.get(LIST, query).status_code == 200


def test_missing_tables_are_said(viewer: Client) -> None:
    """On a database without the backend's tables the page stands and says so."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE public.episode")
    forget()
    response = viewer.get(LIST)
    assert response.status_code == 200
    assert "There is no table" in text_of(response)


def test_a_viewer_is_offered_nothing(viewer: Client, episode: MakeEpisode) -> None:
    """No buttons for who may not, and a refusal where it is tried anyhow."""
    one = episode()
    assert 'value="retry"' not in text_of(viewer.get(LIST))
    assert act(viewer, verb="fail", ids=one, reason="x", sure="1").status_code == 403
    assert viewer.get(reverse("operations:act"), {"verb": "fail", "ids": one}).status_code == 403
    assert not Action.objects.exists()


def test_the_question_comes_first(operator: Client, episode: MakeEpisode) -> None:
    """Numbers, exclusions and their reasons; nothing is recorded yet."""
    good, bad = episode(), episode(meta_json=None)
    text = text_of(act(operator, verb="retry", ids=[good, bad]))
    assert "Retry 2 episode assemblies?" in text
    assert "1 of 2 will be sent to the backend" in text
    assert "1 skipped. meta_json.main_content_filename is missing (meta_json is empty) and working_audio_name" in text
    assert not Action.objects.exists()


def test_a_bulk_without_reason_is_asked_again(operator: Client, episode: MakeEpisode) -> None:
    """The question stands with its error, and nothing is recorded."""
    ids = [episode(), episode()]
    response = act(operator, verb="retry", ids=ids, sure="1", reason="")
    assert response.status_code == 422
    assert not Action.objects.exists()


def test_nothing_eligible_is_not_offered(operator: Client, episode: MakeEpisode) -> None:
    """Where no operation can be retried, the answer is the reason and not a button."""
    response = act(operator, verb="retry", ids=[episode(meta_json="{}"), episode(meta_json=None)])
    assert response.status_code == 422
    assert "None of the 2 operations can be retried. For 1 of them: " in text_of(response)


def test_all_that_match(operator: Client, episode: MakeEpisode) -> None:
    """All that match means the filter, beyond the page."""
    wanted = {episode(title=f"Wanted {number}") for number in range(60)}
    episode(title="Other")
    query = urlencode({"q": "Wanted", "kind": "episode_assembly"})
    asked = act(operator, verb="fail", all="1", query=query)
    assert "60 of 60" in text_of(asked)
    answer = act(operator, verb="fail", all="1", query=query, sure="1", reason="gone")
    action = Action.objects.get()
    assert answer.status_code == 303 and answer.url == reverse("operations:action", args=[action.pk])
    assert {i for chunk in action.chunks.all() for i in chunk.operation_ids} == wanted


def test_undo_from_the_page(operator: Client, episode: MakeEpisode, settings: Any) -> None:
    """Within its time, Undo takes the whole back."""
    settings.UNDO_SECONDS = 10
    one = episode()
    act(operator, verb="fail", ids=one, sure="1", reason="gone")
    action = Action.objects.get()
    assert "Undo" in text_of(operator.get(reverse("operations:action", args=[action.pk])))
    operator.post(reverse("operations:cancel", args=[action.pk]))
    action.refresh_from_db()
    assert action.state == "cancelled"
    release_due()
    assert row_of(one)["status"] == "processing"


def test_a_single_one_that_changed_shows_both(operator: Client, episode: MakeEpisode) -> None:
    """What the page of one operation showed is compared when the operator acts."""
    one = episode(status="processed")
    sent = {"verb": "fail", "ids": one, "state": "any", "sure": "1", "reason": "x"}
    response = act(operator, **sent, seen_status="processing", seen_version="0")
    assert response.status_code == 409
    assert "processed" in text_of(response)


@pytest.mark.parametrize("sent", [{"verb": "drop"}, {}, {"verb": "retry"}, {"verb": "retry", "ids": ["not-a-uuid"]}])
def test_bad_orders_are_refused(operator: Client, episode: MakeEpisode, sent: dict[str, Any]) -> None:
    """What is no verb, chooses nothing, or names no row gets a sentence."""
    episode()
    response = act(operator, **sent)
    assert response.status_code == 422
    assert not Action.objects.exists()


def test_a_moment_to_come_makes_nothing_stuck(operator: Client, episode: MakeEpisode) -> None:
    """A forged time of looking does not widen the scope."""
    episode(hours=1)
    response = act(operator, verb="fail", all="1", as_of="2099-01-01T00:00:00+00:00", sure="1", reason="x")
    assert response.status_code == 422


def test_the_action_page_tells_outcomes(operator: Client, episode: MakeEpisode) -> None:
    """Counts, exceptions with their reason, and everything as CSV."""
    good, bad = episode(), episode(meta_json="{}")
    action = services.start(actor(), Scope(), "retry", "=cmd()")
    release_due()
    url = reverse("operations:action", args=[action.pk])
    text = text_of(operator.get(url))
    assert "main_content_filename is missing" in text and "Ineligible" in text
    rows = dict(line.split(",")[:2] for line in text_of(operator.get(url, {"format": "csv"})).splitlines()[1:])
    assert rows == {good: "changed", bad: "ineligible"}


@pytest.mark.parametrize("meta", [None, "{}", '{"half', "not json", json.dumps({"main_content_filename": "a.wav"})])
def test_an_operation_page(viewer: Client, episode: MakeEpisode, meta: str | None) -> None:
    """Whatever its text holds, the page stands, and says what a retry would do or what it lacks."""
    one = episode(meta_json=meta)
    text = text_of(viewer.get(reverse("operations:page", args=["episode_assembly", one])))
    assert ("a.wav" in text) == bool(meta and "a.wav" in meta)
    assert ("It cannot be retried" in text) != ("a.wav" in text)
    assert "main_content_filename" in text


@pytest.mark.parametrize("path", ["episode_assembly/no-uuid", "episode_assembly/" + USER, "nothing/1"])
def test_there_is_no_such_operation(viewer: Client, path: str) -> None:
    """An id that nobody has, or that is none, is a page that says so."""
    assert viewer.get(f"{LIST}{path}/").status_code == 404


def test_history_of_one(viewer: Client, episode: MakeEpisode) -> None:
    """Everything that operators did to it, exceptions included."""
    one = episode()
    services.start(actor(), Scope(ids=(one,)), "retry", "first try")
    services.start(actor(), Scope(ids=(one,)), "fail", "second thoughts")
    release_due()
    text = text_of(viewer.get(reverse("operations:page", args=["episode_assembly", one])))
    assert "first try" in text and "second thoughts" in text
    assert "Another action was quicker" in text


def test_dead_letters(operator: Client, episode: MakeEpisode) -> None:
    """They are listed with their error, and sent again by one click."""
    episode()
    services.start(actor(), Scope(), "retry", "again")
    release_due()
    Command.objects.update(state="dead", attempts=8, last_error=EVIL)
    text = text_of(operator.get(reverse("operations:dead")))
    assert "&lt;script&gt;" in text and EVIL not in text
    operator.post(reverse("operations:send_again", args=[Command.objects.get().pk]))
    assert Command.objects.get().state == "queued"
    assert operator.post(reverse("operations:send_again", args=[Command.objects.get().pk])).status_code == 409


def test_actions_are_listed(viewer: Client, episode: MakeEpisode) -> None:
    """The newest first, under way or over."""
    episode()
    services.start(actor(), Scope(), "retry", "again")
    assert "Retry episode assembly" in text_of(viewer.get(reverse("operations:actions")))
    assert "Under way" in text_of(viewer.get(LIST))


def _user() -> None:
    columns = "id, email, hashed_password, is_active, is_admin, tier, created_at, is_deleted_view"
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO public."user" ({columns}) VALUES (%s, %s, %s, true, false, %s, now(), false)',
            [USER, "pat@example.org", "x", "pro"],
        )


def test_what_is_too_much_to_be_listed_is_named(
    operator: Client, episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a very large failure stand in no list of the resolved: its action does, with the way to them."""
    monkeypatch.setattr("incidents.operations.writing.MARKED_UP_TO", 1)
    ids = {episode(), episode()}
    action = services.start(actor(), Scope(), "fail", "host lost")
    assert "Too many to be listed" not in text_of(operator.get(LIST, {"state": "resolved"}))
    release_due()
    page = operator.get(LIST, {"state": "resolved"})
    assert page.context["rows"] == [] and page.context["unlisted"] == [action]
    assert "Nothing was resolved lately" not in text_of(page)
    rows = operator.get(LIST, {"state": "failed", "kind": "episode_assembly", "run": action.pk}).context["rows"]
    assert {row.operation.operation_id for row in rows} == ids
    assert f"?state=failed&amp;kind=episode_assembly&amp;run={action.pk}" in text_of(page)
    assert operator.get(LIST, {"state": "resolved", "kind": "transcription"}).context["unlisted"] == []


def test_stuck_is_divided_by_its_evidence(viewer: Client, episode: MakeEpisode) -> None:
    """Dead and suspected are one click each, which keeps the other filters; the tab counts what is chosen."""
    episode()
    page = viewer.get(LIST, {"kind": "episode_assembly"})
    assert [tab.url for tab in page.context["evidence"][1:]] == [
        "/operations/?kind=episode_assembly&evidence=dead",
        "/operations/?kind=episode_assembly&evidence=suspected",
    ]
    for evidence, number in (("dead", 0), ("suspected", 1)):
        assert viewer.get(LIST, {"evidence": evidence}).context["tabs"][0].count == number
    assert viewer.get(LIST, {"state": "failed"}).context["evidence"] == []


def test_dead_and_suspected_say_how_many(viewer: Client, episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both numbers stand beside their names; where not all that is stuck was looked at, what was found says so."""
    episode(), episode()

    def numbers() -> list[str]:
        labels = [tab.label for tab in viewer.get(LIST).context["evidence"][1:]]
        return [label.rpartition("(")[2].rstrip(")") for label in labels]

    assert numbers() == ["0", "2"]
    monkeypatch.setattr(counting, "TAB_CAP", 1)
    monkeypatch.setattr(counting, "CAP", 1)

    assert numbers() == ["none of the 1 oldest", "1+"]


def live_panel(client: Client, url: str, panel: str) -> str:
    part = text_of(client.get(url, headers={"HX-Request": "true", "HX-Target": panel}))
    assert part.strip().startswith(f'<section id="{panel}"') and "data-live" in part
    return part


def test_an_operations_page_is_read_again_whole(viewer: Client, episode: MakeEpisode) -> None:
    """Its payload with the next version, its text and its timeline follow what happens; values stand as JSON."""
    meta = {"main_content_filename": "a.wav", "tts_values": {"x": True}, "use_auphonic": False}
    url = reverse("operations:page", args=["episode_assembly", episode(meta_json=json.dumps(meta))])
    for panel in ("operation-state", "operation-retry", "operation-meta", "operation-timeline"):
        live_panel(viewer, url, panel)
    page = text_of(viewer.get(url))
    assert "{&quot;x&quot;: true}" in page and '<dd class="mono">false</dd>' in page


def test_an_actions_page_is_read_again_whole(viewer: Client, episode: MakeEpisode) -> None:
    """Whoever has it open sees who cancelled the action as soon as it says "cancelled"."""
    episode()
    action = services.start(actor(), Scope(), "fail", "provider is down")
    url = reverse("operations:action", args=[action.pk])
    assert "Operations cancelled" not in text_of(viewer.get(url))
    services.cancel(actor(name="bo"), action.pk)
    for panel in ("action-progress", "action-pace", "action-outcomes"):
        live_panel(viewer, url, panel)
    audit = live_panel(viewer, url, "action-audit")
    assert "Operations cancelled" in audit and "<td>bo</td>" in audit


def test_taking_back_is_offered_for_what_can_be(operator: Client, episode: MakeEpisode) -> None:
    """The question counts what no backend has carried out yet, and speaks of a failure's reason only after one."""
    for _ in range(3):
        episode(status="error")
    action = services.start(actor(), Scope(state="failed"), "retry", "provider is back")
    release_due()
    ask, page = (reverse(f"operations:{name}", args=[action.pk]) for name in ("take_back", "action"))
    Command.objects.update(handled=1)
    text = text_of(operator.get(ask))
    assert "2 get the status back" in text and "Take back 2" in text and "the reason of the failure" not in text
    assert ask in text_of(operator.get(page))
    Command.objects.update(handled=3)
    assert ask not in text_of(operator.get(page))


def test_snoozed_is_said(operator: Client, episode: MakeEpisode) -> None:
    """The question asks until when; until then the operation's page says why it is in no list of the stuck."""
    one = episode()
    sent = {"verb": "snooze", "kind": "episode_assembly", "ids": one, "state": "any"}
    until = timezone.now() + timedelta(hours=2)
    again = act(operator, **sent, sure="1")
    assert again.status_code == 422 and "This field is required" in text_of(again)
    act(operator, **sent, sure="1", snooze_until=f"{until:%Y-%m-%dT%H:%M}")
    release_due()
    url = reverse("operations:page", args=["episode_assembly", one])
    assert "Snoozed, it comes back" in text_of(operator.get(url))
    OperationMark.objects.update(snoozed_until=timezone.now())
    assert "Snoozed, it comes back" not in text_of(operator.get(url))


def test_dead_letters_are_paged(viewer: Client, episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, each is reached; the page says how many."""
    monkeypatch.setattr("incidents.operations.progress.DEAD_LETTERS", Keyset(Key("id", "int"), size=1))
    for title in ("One", "Two"):
        services.start(actor(), Scope(ids=(episode(title=title),)), "retry", "")
    release_due()
    Command.objects.update(state="dead")
    page = viewer.get(reverse("operations:dead"))
    assert '1</span> shown of <span class="num">2</span>' in text_of(page) and "1 operation<" in text_of(page)
    rest = viewer.get(reverse("operations:dead"), {"cursor": page.context["page"].next}).context["page"].rows
    assert {*page.context["page"].rows, *rest} == set(Command.objects.all())
