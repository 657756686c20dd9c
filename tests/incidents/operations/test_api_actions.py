"""Acting over the JSON API: dry run, act, steer, and the reasons, by the same services as a click."""

from typing import Any

import pytest
from django.test import Client

from incidents.operations.models import Action, Command
from incidents.operations.release import release_due
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.api.calling import calling
from tests.incidents.operations.conftest import MakeEpisode, row_of

pytestmark = pytest.mark.django_db
KIND = "episode_assembly"
ACTIONS = "/api/v1/operation-actions"


@pytest.fixture
def client() -> Client:
    return calling(Role.OPERATOR, ["operations:read", "operations:write"])


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def act(client: Client, verb: str, **body: Any) -> Any:
    return post(client, ACTIONS, **{"verb": verb, "kind": KIND, **body})


def test_a_dry_run_counts_and_does_nothing(client: Client, episode: MakeEpisode) -> None:
    """Totals, exclusions by reason, statuses and users; and no action."""
    episode(), episode(meta_json=None)
    said = act(client, "retry", all=True, state="stuck", dry_run=True).json()["expected"]
    assert (said["total"], said["eligible"], said["users"], said["statuses"]) == (2, 1, 1, {"processing": 2})
    assert list(said["excluded"].values()) == [1]
    assert not Action.objects.exists()


def test_failing_by_id(client: Client, episode: MakeEpisode) -> None:
    """The action is answered with its release time; then its counts and the reasons of what was left."""
    one, other = episode(), episode(status="processed")
    action = act(client, "fail", ids=[one, other], reason="lost").json()["action"]
    release_due()
    said = client.get(f"{ACTIONS}/{action['id']}").json()
    assert (said["state"], said["changed"], said["ineligible"], said["via"]) == ("done", 1, 1, "api")
    assert said["excepted"] == {"Status processed: only processing, pending can be failed.": 1}
    assert row_of(one)["status"] == "error"
    assert Entry.objects.filter(action="operations.fail", via="api", credential="deploy").exists()


def test_what_was_seen_is_compared(client: Client, episode: MakeEpisode) -> None:
    """One operation that has changed since is a conflict with both versions."""
    one = episode()
    answer = act(client, "retry", ids=[one], seen_status="processing", seen_version=3)
    assert answer.status_code == 409
    assert (answer.json()["current"], answer.json()["submitted"]) == (
        {"status": "processing", "commands": 0},
        {"status": "processing", "commands": 3},
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"all": True}, "ids"),
        ({}, "ids"),
        ({"all": True, "state": "stuck"}, "reason"),
        ({"all": True, "state": "stuck", "reason": "x", "rate_per_second": 0.0}, "rate_per_second"),
    ],
)
def test_what_is_missing_is_named(client: Client, episode: MakeEpisode, body: dict[str, Any], field: str) -> None:
    """No scope, no reason, and a rate of nothing are refused by field."""
    episode(), episode()
    answer = act(client, "fail", **body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Action.objects.exists()


def test_a_bulk_is_steered(client: Client, episode: MakeEpisode) -> None:
    """Its rate is changed, it is paused, resumed, cancelled, and what it did is taken back."""
    for _ in range(3):
        episode()
    sent = {"all": True, "state": "stuck", "reason": "again", "rate_per_second": 1.0}
    action = act(client, "retry", **sent).json()["action"]["id"]
    release_due()
    assert client.get(f"{ACTIONS}/{action}").json()["left"] == 2
    changed = client.put(f"{ACTIONS}/{action}/rate", {"rate_per_second": 2.5}, content_type="application/json")
    assert changed.json()["rate_per_second"] == 2.5
    for step, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert post(client, f"{ACTIONS}/{action}/{step}").json()["state"] == state
    assert post(client, f"{ACTIONS}/{action}/pause").status_code == 409
    undone = post(client, f"/api/v1/operation-action-undos/{action}", reason="no")
    assert (undone.json()["takes_back"], undone.json()["total"]) == (action, 1)


def test_actions_are_listed_in_a_constant_number_of_queries(
    client: Client, episode: MakeEpisode, django_assert_max_num_queries: Any
) -> None:
    """However many there are."""
    for _ in range(12):
        act(client, "fail", ids=[episode()], reason="lost")
    with django_assert_max_num_queries(9):
        listed = client.get(ACTIONS, {"limit": 10}).json()
    assert len(listed["items"]) == 10 and listed["next"]


def test_a_reader_may_not_act(episode: MakeEpisode) -> None:
    """The scope to read shows actions, and begins none."""
    reader = calling(Role.OPERATOR, ["operations:read"])
    assert act(reader, "retry", ids=[episode()]).status_code == 403
    assert reader.get(ACTIONS).status_code == 200


def test_dead_letters_are_listed_and_sent_again(client: Client, episode: MakeEpisode) -> None:
    """What was given up, page by page, with the number that sends it again; sent again it is no longer there."""
    for one in (episode(), episode()):
        act(client, "retry", ids=[one])
    release_due()
    path = "/api/v1/operation-commands"
    assert client.get(path).json() == {"items": [], "next": None}
    Command.objects.update(state="dead", last_error="the queue refused")
    first = client.get(path, {"limit": 1}).json()
    (letter,) = first["items"]
    assert (letter["verb"], letter["number"], letter["handled"]) == ("retry", 1, 0)
    assert letter["last_error"] == "the queue refused"
    assert [one["id"] for one in client.get(first["next"]).json()["items"]] != [letter["id"]]
    assert post(client, f"{path}/{letter['id']}/send-again").json() == {"id": letter["id"], "state": "queued"}
    assert len(client.get(path).json()["items"]) == 1
