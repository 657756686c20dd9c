"""Flags over the JSON API: what the pages can do, by name, with versions, for programs."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flags import services
from flags.models import Flag, Presence, State, Usage
from ops_console.access.roles import Role
from ops_console.api_base import path_of
from ops_console.audit.models import Entry
from tests.api.calling import calling
from tests.people import actor

pytestmark = pytest.mark.django_db
ODD = [
    "player",
    "a/b",
    "checkout/why",
    "100%",
    "a%2Fb",
    "Über den Wolken ☁",
    "..",
    "?q=#x",
    "\\ '\"",
    "a//b",
    "trailing/",
]


@pytest.fixture
def client() -> Client:
    return calling(Role.OPERATOR, ["flags:read", "flags:write"])


def send(client: Client, method: str, path: str, body: dict[str, Any] | None = None, version: object = None) -> Any:
    headers = {} if version is None else {"If-Match": version if version == "*" else f'"{version}"'}
    data = {} if body is None else {"data": body, "content_type": "application/json"}
    return getattr(client, method)(path, headers=headers, **data)


def made(name: str = "player", **values: Any) -> Flag:
    return services.create(actor(), name, values, State.RULES)


@pytest.mark.parametrize("name", ODD)
def test_every_name_can_be_made_read_changed_and_asked(client: Client, name: str) -> None:
    """Slashes, percent signs, another alphabet: a flag is found under the address that its creation answered."""
    new = send(client, "post", "/api/v1/flags", {"name": name, "state": "rules", "percent": 100})
    assert (new.status_code, new.headers["ETag"], new.headers["Location"]) == (201, '"1"', path_of("/flags/{}", name))
    shown = client.get(new.headers["Location"])
    assert (shown.status_code, shown.json()["name"]) == (200, name)
    assert send(client, "patch", new.headers["Location"], {"percent": 5}, 1).json()["percent"] == 5
    why = send(client, "post", path_of("/flags/{}/why", name), {"context": {"user_id": "1"}})
    assert (why.status_code, why.json()["flag"]) == (200, name)
    off = send(client, "post", path_of("/flags/{}/state", name), {"state": "off"})
    assert (off.status_code, off.json()["state"], off.headers["ETag"]) == (200, "off", '"3"')


def test_a_slash_may_stand_as_it_is(client: Client) -> None:
    """Nobody has to encode a plain path-like name."""
    made("web/checkout/new")
    assert client.get("/api/v1/flags/web/checkout/new").json()["name"] == "web/checkout/new"
    assert send(client, "post", "/api/v1/flags/web/checkout/new/state", {"state": "off"}).status_code == 200


def test_a_change_names_its_version(client: Client) -> None:
    """Without If-Match 428; with an old one 412 with both versions; with the latest it is done; * takes what stands."""
    made(percent=5)
    path = "/api/v1/flags/player"
    assert send(client, "patch", path, {"percent": 6}).status_code == 428
    assert send(client, "patch", path, {"percent": 6}, 1).headers["ETag"] == '"2"'
    stale = send(client, "patch", path, {"percent": 7}, 1)
    body = stale.json()
    assert (stale.status_code, body["code"]) == (412, "conflict")
    assert (body["current"]["version"], body["submitted"]["version"]) == (2, 1)
    assert (float(body["current"]["percent"]), float(body["submitted"]["percent"])) == (6, 7)
    assert send(client, "patch", path, {"percent": 8}, "*").json()["percent"] == 8
    assert send(client, "patch", path, {"percent": 8}, 'W/"3').status_code == 422


@pytest.mark.parametrize("etag", ['W/"1"', '"1-gzip"', '"1;gzip"', '"1--gzip"', 'W/"1-br"', '"1"'])
def test_an_etag_survives_a_proxy_that_compresses(client: Client, etag: str) -> None:
    """nginx makes it weak, Apache and others append what they did; it is the version all the same."""
    made(percent=5)
    headers = {"If-Match": etag}
    body = {"percent": 6}
    changed = client.patch("/api/v1/flags/player", body, content_type="application/json", headers=headers)
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')


@pytest.mark.parametrize("etag", ['"1-', '"1-gzip', "1", '"1", "2"', 'W/W/"1"', '"-1"', '"1-br-br"', '"1234567890"'])
def test_what_is_no_etag_of_ours_is_refused(client: Client, etag: str) -> None:
    """The answer names the header."""
    made(percent=5)
    headers = {"If-Match": etag}
    refused = client.patch("/api/v1/flags/player", {"percent": 6}, content_type="application/json", headers=headers)
    assert (refused.status_code, refused.json()["field"]) == (422, "If-Match")


def test_only_what_is_named_is_changed(client: Client) -> None:
    """PATCH leaves everything else as it is, and null takes a percentage away."""
    made(percent=5, note="why", tags=["web"])
    body = send(client, "patch", "/api/v1/flags/player", {"percent": None}, 1).json()
    assert (body["percent"], body["note"], body["tags"]) == (None, "why", ["web"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"percent": 101}, "percent"),
        ({"percent": "5"}, "percent"),
        ({"protected": 1}, "protected"),
        ({"on_at": 0}, "on_at"),
        ({"note": None}, "note"),
        ({"notte": "x"}, "notte"),
        ({"rules": [{"percent": "many"}]}, "rules.0.percent"),
        ({"rules": [{"constraints": [{"field": "x", "operator": "LIKES"}]}]}, "rules"),
        ({"prerequisites": [{"flag": "nowhere"}]}, "prerequisites"),
        ({"on_at": "2026-12-24T18:00:00"}, "on_at"),
        ({"tags": [""]}, "tags"),
    ],
)
def test_what_is_wrong_is_named(client: Client, body: dict[str, Any], field: str) -> None:
    """422 with the field, deep inside where the shape is wrong; nothing is changed."""
    made()
    answer = send(client, "patch", "/api/v1/flags/player", body, 1)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert Flag.objects.get().version == 1


def test_turning_off_waits_for_nothing(client: Client) -> None:
    """Off needs no version; on and rules do; a protected flag asks for reason and name, except to turn it off."""
    made(protected=True)
    path = "/api/v1/flags/player/state"
    assert send(client, "post", path, {"state": "off"}).json()["state"] == "off"
    assert send(client, "post", path, {"state": "on"}).status_code == 428
    assert send(client, "post", path, {"state": "on"}, 2).json()["field"] == "reason"
    confirmed = {"state": "on", "reason": "all clear", "typed_name": "player"}
    assert send(client, "post", path, confirmed, 2).json()["state"] == "on"


def test_the_audit_names_person_door_and_token(client: Client) -> None:
    """An entry of a call says who, that it came by the API, and with which token; the API shows it too."""
    made()
    send(client, "post", "/api/v1/flags/player/state", {"state": "off", "reason": "errors"})
    entry = Entry.objects.latest("id")
    assert (entry.actor, entry.via, entry.credential, entry.reason) == ("oscar", "api", "deploy", "errors")
    assert entry.request_id and entry.address
    first = client.get("/api/v1/flags/player/history").json()["items"][0]
    assert (first["id"], first["credential"], first["action"]) == (entry.pk, "deploy", "flag.off")


def test_archiving_and_the_way_back(client: Client) -> None:
    """Archived flags leave the list and come back by restore; each act names its version."""
    made()
    gone = send(client, "post", "/api/v1/flags/player/archive", {}, 1)
    assert gone.json()["archived_at"] and client.get("/api/v1/flags").json()["items"] == []
    assert send(client, "post", "/api/v1/flags/player/restore", {}, 1).status_code == 412
    assert send(client, "post", "/api/v1/flags/player/restore", {}, 2).json()["archived_at"] is None


def test_a_change_can_be_taken_back(client: Client) -> None:
    """Revert by the id of the entry; another flag's entry is refused, a change over it hears 409."""
    made(percent=5)
    made("other")
    send(client, "patch", "/api/v1/flags/player", {"percent": 50}, 1)
    entry = Entry.objects.latest("id")
    assert send(client, "post", "/api/v1/flags/other/revert", {"entry": entry.pk}).json()["field"] == "entry"
    back = send(client, "post", "/api/v1/flags/player/revert", {"entry": entry.pk})
    assert (back.status_code, back.json()["percent"]) == (200, 5)
    again = send(client, "post", "/api/v1/flags/player/revert", {"entry": entry.pk})
    assert (again.status_code, again.json()["code"]) == (422, "invalid_input")


def test_why_says_what_was_asked(client: Client) -> None:
    """The answer with its reason, each check, and the same as lines; an undefined name is told as such."""
    made(rules=[{"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}])
    path = "/api/v1/flags/player/why"
    yes = send(client, "post", path, {"context": {"tier": "pro"}}).json()
    no = send(client, "post", path, {"context": {"tier": "free"}}).json()
    assert (yes["answer"], yes["reason"], no["answer"], no["reason"]) == (True, "rule", False, "no_rule")
    assert any(check["kind"] == "rule" for check in yes["checks"]) and "player is on" in yes["lines"][0]
    undefined = send(client, "post", "/api/v1/flags/nowhere/why", {"default": True}).json()
    assert (undefined["answer"], undefined["reason"]) == (True, "undefined")


def test_a_preview_changes_nothing(client: Client) -> None:
    """It says what a change would do, in numbers and words, and refuses what saving would refuse."""
    made(percent=5)
    answer = send(client, "post", "/api/v1/flags/player/preview", {"percent": 50})
    assert answer.status_code == 200 and answer.json()["words"]
    assert send(client, "post", "/api/v1/flags/player/preview", {"state": "off"}).status_code == 200
    assert send(client, "post", "/api/v1/flags/player/preview", {"rules": [{"percent": 101}]}).status_code == 422
    assert Flag.objects.get().version == 1


def test_why_knows_the_user(client: Client) -> None:
    """With a user's id what is known of them is asked with; what is given besides wins."""
    made(rules=[{"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}])
    Presence.objects.create(user_id="17", seen_at=timezone.now(), attributes={"tier": "pro"})
    path = "/api/v1/flags/player/why"
    known = send(client, "post", path, {"user": "17"}).json()
    assert (known["answer"], known["context"]) == (True, {"user_id": "17", "tier": "pro"})
    assert send(client, "post", path, {"user": "17", "context": {"tier": "free"}}).json()["answer"] is False


def test_flags_move_between_environments(client: Client) -> None:
    """What was exported is imported: a dry run tells and changes nothing, the real one stores row by row."""
    made("web/parent", percent=50)
    made("player", prerequisites=[{"flag": "web/parent"}])
    document = json.loads(b"".join(client.get("/api/v1/flag-export?name=player").streaming_content))
    assert [flag["name"] for flag in document["flags"]] == ["player", "web/parent"]
    Flag.objects.all().delete()
    body = {"document": document, "dry_run": True}
    assert send(client, "post", "/api/v1/flag-import", body).json()["counts"]["new"] == 2
    assert not Flag.objects.exists()
    done = send(client, "post", "/api/v1/flag-import", {**body, "dry_run": False, "reason": "from staging"}).json()
    assert (done["counts"]["new"], Flag.objects.get(name="web/parent").percent) == (2, 50)
    assert Entry.objects.filter(via="api", credential="deploy", reason="from staging").count() == 2
    wrong = send(client, "post", "/api/v1/flag-import", {"document": [1], "dry_run": True})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "file")


@pytest.mark.parametrize("percent", [0.01, 0.1, 0.29, 12.34, 33.33, 99.99, 5.0])
def test_a_percentage_is_taken_as_it_is_written(client: Client, percent: float) -> None:
    """Every step of 0.01, also where no binary fraction equals it: edited, previewed, exported and imported."""
    made()
    path = "/api/v1/flags/player"
    assert send(client, "post", f"{path}/preview", {"percent": percent}).status_code == 200
    assert send(client, "patch", path, {"percent": percent}, 1).json()["percent"] == percent
    assert send(client, "patch", path, {"percent": percent}, 2).headers["ETag"] == '"2"'
    document = json.loads(b"".join(client.get("/api/v1/flag-export?name=player").streaming_content))
    Flag.objects.all().delete()
    done = send(client, "post", "/api/v1/flag-import", {"document": document, "dry_run": False})
    assert (done.json()["counts"]["new"], str(Flag.objects.get(name="player").percent)) == (1, f"{percent:.2f}")
    assert send(client, "patch", path, {"percent": percent + 0.001}, "*").status_code == 422


def test_a_time_that_cannot_be_read_is_refused_in_a_sentence(client: Client) -> None:
    """The field and what would be right, without the words of the library that parses."""
    made()
    refused = send(client, "patch", "/api/v1/flags/player", {"expires_at": "soon"}, 1).json()
    assert refused["detail"] == "expires_at: is written as 2026-12-24T18:00:00Z."


def test_a_copy_is_off(client: Client) -> None:
    """A copy says what the other says, under a name of its own, off."""
    made(percent=5)
    copy = send(client, "post", "/api/v1/flags/player/copy", {"name": "player-2"})
    assert (copy.status_code, copy.json()["percent"], copy.json()["state"]) == (201, 5, "off")


def test_usage_and_undefined_names(client: Client) -> None:
    """Counts by variant, service and answer; a name with usage and no flag is listed as undefined."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('hour', now())")
        (hour,) = cursor.fetchone()
    Usage.objects.create(flag="nowhere", hour=hour, service="web", result=True, count=3, last_at=hour)
    series = client.get("/api/v1/flags/nowhere/usage?by=service").json()
    assert (series["total"], series["step_seconds"], sum(series["lines"]["web"])) == (3, 3600, 3)
    (undefined,) = client.get("/api/v1/undefined-flags").json()
    assert (undefined["name"], undefined["count"], undefined["services"]) == ("nowhere", 3, ["web"])


def test_filters_are_the_pages(client: Client) -> None:
    """State, kind, tag, owner and text choose as on the page."""
    made("one", kind="ops", tags=["web"], owner="audio", note="the player")
    made("two")
    for query in ("kind=ops", "tag=web", "owner=audio", "q=the+pl", "state=rules&q=one"):
        items = client.get(f"/api/v1/flags?{query}").json()["items"]
        assert [item["name"] for item in items] == ["one"], query


def test_segments_from_making_to_removing(client: Client) -> None:
    """Made, read, changed with a version, refused to go while a flag uses it, and gone when none does."""
    constraints = [{"field": "tier", "operator": "IN", "values": ["pro"]}]
    new = send(client, "post", "/api/v1/segments", {"name": "paying/pros", "constraints": constraints})
    path = new.headers["Location"]
    assert (new.status_code, new.json()["flags"]) == (201, 0)
    made(rules=[{"segments": ["paying/pros"]}])
    assert client.get("/api/v1/segments").json()["items"][0]["flags"] == 1
    assert client.get(path_of("/segments/{}/flags", "paying/pros")).json() == [{"name": "player", "archived": False}]
    assert send(client, "patch", path, {"note": "who pays"}, 1).headers["ETag"] == '"2"'
    assert send(client, "patch", path, {"note": "who"}, 1).status_code == 412
    assert send(client, "delete", path, version=2).status_code == 422
    send(client, "patch", "/api/v1/flags/player", {"rules": []}, 1)
    gone = send(client, "delete", path, version=2)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(path).status_code == 404


def test_every_call_costs_a_constant_number_of_queries(client: Client) -> None:
    """Lists of flags, segments and changes ask no more for thirty rows than for one."""
    constraints = [{"field": "tier", "operator": "IN", "values": ["pro"]}]
    paths = ("/api/v1/flags", "/api/v1/segments", "/api/v1/flags/player/history")
    made(rules=[{"constraints": constraints}])
    send(client, "post", "/api/v1/segments", {"name": "pros", "constraints": constraints})
    few = [queries(client, path) for path in paths]
    for number in range(30):
        made(f"flag-{number}", rules=[{"segments": ["pros"]}])
        send(client, "post", "/api/v1/segments", {"name": f"pros-{number}"})
        send(client, "patch", "/api/v1/flags/player", {"percent": number}, "*")
    assert [queries(client, path) for path in paths] == few
    assert max(few) <= 6


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200
    return len(found)
