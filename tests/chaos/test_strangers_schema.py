"""Twenty thousand episodes of a backend that we have never seen, from browser, API and shell."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from incidents.operations.models import Action, Command, OperationMark, Verb
from incidents.operations.progress import action_progress
from incidents.operations.release import release_due
from incidents.operations.sources.schema import forget
from ops_console.access.roles import Role
from tests.api.calling import calling
from tests.chaos.stranger import EPISODES, GOOD, Rows, make_strangers, stuck, truth
from tests.people import person, signed_in

pytestmark = pytest.mark.django_db
KIND = "episode_assembly"
API = "/api/v1/operation"
ZONES = ("Asia/Tokyo", "America/Los_Angeles")


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> Iterator[None]:
    settings.UNDO_SECONDS = settings.UNDO_BULK_SECONDS = 0
    yield
    forget()


@pytest.fixture(params=[("varchar", ZONES[0]), ("jsonb", ZONES[1])], ids=["text, Tokyo", "jsonb, Los Angeles"])
def before(db: None, request: pytest.FixtureRequest) -> Rows:
    """Every row before anybody acts."""
    make_strangers(*request.param)
    return truth()


@pytest.fixture
def operator(before: Rows) -> Client:
    return signed_in(Role.OPERATOR)


@pytest.fixture
def api(before: Rows) -> Client:
    return calling(Role.OPERATOR, ["operations:read", "operations:write"])


def shell(*arguments: str) -> list[Any]:
    person(Role.OPERATOR)
    out = StringIO()
    call_command("operations", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def click(operator: Client, verb: str, ids: list[str]) -> Action:
    """The list's form, sent; released."""
    sent = {"verb": verb, "kind": KIND, "ids": ids, "sure": "1", "reason": "from the page"}
    answer = operator.post("/operations/act/", sent)
    assert answer.status_code == 303, answer.content[:500]
    release_due()
    return Action.objects.latest("pk")


def call(api: Client, verb: str, **body: Any) -> Action:
    sent = {"verb": verb, "kind": KIND, "reason": "from afar", **body}
    answer = api.post(f"{API}-actions", sent, content_type="application/json")
    assert answer.status_code == 200, answer.content[:500]
    release_due()
    return Action.objects.get(pk=answer.json()["action"]["id"])


def text_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()


def test_all_doors_list_the_same(before: Rows, operator: Client, api: Client) -> None:
    """Page, CSV, API and shell show exactly what is stuck, with names as text, and say which indexes are missing."""
    assert len(before) == EPISODES
    wanted = stuck(before)
    shown = text_of(operator.get("/operations/"))
    assert "Stuck 500+</a>" in " ".join(shown.split())
    assert "<script>alert(1)" not in shown and "&lt;script&gt;alert(1)" in shown
    assert "CREATE INDEX CONCURRENTLY" not in shown
    assert "CREATE INDEX CONCURRENTLY" in text_of(signed_in(Role.ADMIN).get("/operations/"))
    lines = list(csv.DictReader(StringIO(text_of(operator.get("/operations/", {"format": "csv"})))))
    assert {line["id"] for line in lines} == wanted and len(lines) == len(wanted)
    assert not [line for line in lines if line["title"][:1] in ("=", "@")]
    assert [line["id"] for line in shell("list", "--stuck", "--kind", KIND)] == [line["id"] for line in lines]
    following, listed = f"{API}s?kind={KIND}&limit=200", []
    while following:
        found = api.get(following).json()
        listed += [item["id"] for item in found["items"]]
        following = found["next"]
    assert listed == [line["id"] for line in lines]


def test_all_doors_retry(before: Rows, operator: Client, api: Client) -> None:
    """What can be retried is handed over once under its id; of the rest each says what is missing; no row changes."""
    wanted = stuck(before)
    good = {one for one in wanted if before[one]["meta"] and "a.wav" in before[one]["meta"]}
    some = sorted(wanted)
    by_page, by_api = click(operator, "retry", some[:100]), call(api, "retry", ids=some[100:600])
    (expected,) = shell("retry", "--all-stuck", "--dry-run")
    (said,) = shell("retry", "--all-stuck", "--reason", "from here", "--as", "oscar", "--wait")
    assert (said["state"], said["changed"], said["ineligible"]) == (
        "done",
        expected["eligible"],
        expected["total"] - expected["eligible"],
    )
    changed = [action_progress(action.pk).changed for action in (by_page, by_api)]
    assert sum(changed) + said["changed"] == len(good)
    sent = [one for command in Command.objects.all() for one in command.operation_ids]
    assert len(sent) == len(good) and set(sent) == good
    refused = Action.objects.get(pk=said["action"]).outcomes.all()
    assert {one.operation_id for one in refused} <= wanted - good
    assert all("main_content_filename" in one.detail for one in refused)
    assert truth() == before


def test_all_doors_fail(before: Rows, operator: Client, api: Client) -> None:
    """What is stuck is in error with its reason and every other key; text that holds no object stays; no other row."""
    wanted = stuck(before)
    some = sorted(wanted)
    click(operator, "fail", some[:100])
    call(api, "fail", ids=some[100:600], notify=True)
    call(api, "fail", all=True, state="stuck", max=1_000)
    (said,) = shell("fail", "--all-stuck", "--kind", KIND, "--reason", "from here", "--as", "oscar", "--wait")
    assert (said["state"], said["changed"], said["left"]) == ("done", len(wanted) - 1_600, 0)
    after = truth()
    assert {one for one, row in after.items() if row != before[one]} == wanted
    notes = dict(OperationMark.objects.filter(last_verb=Verb.FAIL).values_list("operation_id", "note"))
    for one in wanted:
        assert after[one]["status"] == "error"
        check_meta(before[one]["meta"], after[one]["meta"], notes[one])


def check_meta(before: str | None, after: str | None, note: str) -> None:
    """An object has the reason beside its keys as they were written; anything else is as it was, and noted."""
    try:
        kept = json.loads(before) if before is not None else {}
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        assert (after, "was not changed" in note) == (before, True)
        return
    assert after is not None
    found = json.loads(after)
    assert found["error_reason"] in ("from the page", "from afar", "from here")
    assert (found["error_by"], kept.items() <= found.items()) == ("oscar", True)
    if before == GOOD:
        assert after.startswith(GOOD.rstrip(" }"))
