"""Flags as files: what goes out comes in elsewhere, row by row, and a dry run leaves nothing behind."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from flags import promotion, segment_services, services
from flags.models import Flag, Segment, State
from flags.promotion import Outcome, importing
from ops_console.access.actor import SYSTEM
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput, NotAllowed, NotFound
from tests.people import actor, person

pytestmark = pytest.mark.django_db

PROS = {"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}


def make_some() -> None:
    """A parent, a child of it with everything, and a flag of no interest."""
    segment_services.create_segment(actor(), "pros", PROS)
    segment_services.create_segment(actor(), "unused", {})
    services.create(actor(), "parent", {"percent": "12.5"}, State.ON)
    values = {
        "rules": [{"segments": ["pros"], "percent": 5}],
        "variants": [{"name": "blue", "weight": 5, "payload": {"type": "json", "value": "[1]"}}],
        "prerequisites": [{"flag": "parent", "state": "on"}],
        "on_at": timezone.now(),
        "tags": ["web"],
        "protected": True,
    }
    child = services.create(actor(), "a child", values, State.RULES)
    child.groups.add(Group.objects.create(name="beta"))
    services.create(actor(), "other", {})


def forget() -> None:
    Flag.objects.all().delete()
    Segment.objects.all().delete()


def run(document: Any, dry_run: bool = False, **options: Any) -> promotion.Report:
    return promotion.run(actor(), promotion.own(json.loads(json.dumps(document))), dry_run=dry_run, **options)


def outcomes(report: promotion.Report) -> dict[str, str]:
    return {result.name: result.outcome.value for result in report.results}


def test_an_export_is_written_while_it_is_read(django_assert_max_num_queries: Any) -> None:
    """Before the first flags are out no more than a batch of them is read, however many there are."""
    Flag.objects.bulk_create(Flag(name=f"flag-{number:04}") for number in range(1200))
    Segment.objects.bulk_create(Segment(name=f"segment-{number}") for number in range(600))
    chunks = promotion.written()
    with django_assert_max_num_queries(3):
        assert "flag-0000" in next(chunks) + next(chunks)
    with django_assert_max_num_queries(20):
        rest = list(chunks)
    assert max(map(len, rest)) < 100_000
    document = promotion.export()
    assert [flag["name"] for flag in document["flags"]] == [f"flag-{number:04}" for number in range(1200)]
    assert len(document["segments"]) == 600


def test_an_unknown_name_is_refused_before_anything_is_written() -> None:
    """The answer is an error, not half a document."""
    make_some()
    with pytest.raises(NotFound, match="nobody"):
        promotion.written(["parent", "nobody"])


def test_a_parent_that_is_gone_stops_no_export() -> None:
    """The flag is written with the name of what it depends on."""
    make_some()
    Flag.objects.filter(name="parent").delete()
    assert [flag["name"] for flag in promotion.export(["a child"])["flags"]] == ["a child"]


def test_what_goes_out_comes_in() -> None:
    """An import into an empty console and a second export are the document again, but for when."""
    make_some()
    document = promotion.export()
    forget()
    report = run(document)
    assert set(outcomes(report).values()) == {"new"}
    assert promotion.export() | {"exported_at": ""} == document | {"exported_at": ""}


def test_named_flags_bring_what_they_need() -> None:
    """Their parents and the segments that they use, and nothing else."""
    make_some()
    document = promotion.export(["a child"])
    assert [flag["name"] for flag in document["flags"]] == ["a child", "parent"]
    assert [segment["name"] for segment in document["segments"]] == ["pros"]
    with pytest.raises(NotFound, match="'nobody'"):
        promotion.export(["nobody"])


def test_a_second_import_changes_nothing() -> None:
    """Every row is the same, and no entry is written."""
    make_some()
    before = Entry.objects.count()
    report = run(promotion.export())
    assert (set(outcomes(report).values()), Entry.objects.count()) == ({"same"}, before)


def test_a_change_is_told_field_by_field() -> None:
    """Only what differs, before and after; the dry run tells the same and does nothing."""
    make_some()
    document = promotion.export(["other"])
    document["flags"][0] |= {"percent": "50.00", "note": "wider", "everyone": None}
    for dry_run in (True, False):
        (result,) = run(document, dry_run).results
        assert (result.outcome, result.before, result.after) == (
            Outcome.CHANGED,
            {"everyone": False, "percent": None, "note": ""},
            {"everyone": None, "percent": "50.00", "note": "wider"},
        )
        assert Flag.objects.get(name="other").note == ("" if dry_run else "wider")


def test_what_a_protected_flag_asks_for_is_not_imported_over() -> None:
    """A file cannot type the name that such a change asks for: the row is refused, and the flag named."""
    make_some()
    document = promotion.export(["parent"])
    document["flags"][0] |= {"percent": "50.00"}
    (result,) = run(document).results
    assert result.outcome == Outcome.REFUSED
    assert "decides the answer of a child, which is protected" in str(result)


def test_a_dry_run_leaves_nothing_behind() -> None:
    """Neither flags nor segments nor entries."""
    make_some()
    document = promotion.export()
    forget()
    before = Entry.objects.count()
    report = run(document, dry_run=True)
    assert report.counts == {"new": 5, "changed": 0, "same": 0, "refused": 0}
    assert (Flag.objects.count(), Segment.objects.count(), Entry.objects.count()) == (0, 0, before)


def test_the_switch_can_stay_with_its_environment() -> None:
    """Without the state, new flags come in off, and those that are here keep what they are."""
    make_some()
    document = promotion.export()
    forget()
    services.create(actor(), "other", {}, State.ON)
    run(document, with_state=False)
    states = dict(Flag.objects.values_list("name", "everyone"))
    assert states == {"parent": False, "a child": False, "other": True}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": "x", "telepathy": 1}, "telepathy: is not known"),
    ({"name": 7}, "name: is text"),
    ({"name": "a\0b"}, "name: is text"),
    ({"name": "x", "everyone": 1}, "everyone: is true, false or null"),
    ({"name": "x", "rules": [{"segments": ["gone"]}]}, "no segment named 'gone'"),
    ({"name": "x", "prerequisites": [{"flag": "gone"}]}, "no flag named 'gone'"),
    ({"name": "x", "prerequisites": [{"flag": "x"}]}, "x -> x"),
    ({"name": "x", "groups": ["nobody"]}, "nobody here named nobody"),
    ({"name": "x", "users": "everybody"}, "is a list of names"),
    ({"name": "x", "note": None}, "has to have a value"),
    ({"name": "x", "note": "a\0b"}, "cannot be stored"),
    ({"name": "x", "on_at": "soon"}, "on_at"),
    ({"name": "x", "archived": True}, "archived there"),
    ({"name": "guarded", "note": "changed"}, "guarded is protected"),
    ({"name": "gone before", "note": "changed"}, "archived here"),
]


@pytest.mark.parametrize(("row", "said"), BAD, ids=[said for _, said in BAD])
def test_a_row_that_cannot_be_stops_no_other(row: dict[str, Any], said: str) -> None:
    """It is refused with its reason and leaves nothing; the good row beside it is stored."""
    services.create(actor(), "guarded", {"protected": True})
    services.archive(actor(), services.create(actor(), "gone before", {}).pk)
    document = {"format": "ops-console-flags", "version": 1, "flags": [row, {"name": "good"}]}
    if row.get("archived"):
        services.create(actor(), "x", {})
    refused, good = sorted(run(document).results, key=lambda result: result.name == "good")
    assert refused.outcome == Outcome.REFUSED and said in refused.reason
    assert good.outcome == Outcome.NEW
    assert Flag.objects.filter(name="x").exists() is bool(row.get("archived"))


@pytest.mark.parametrize(
    "document", [[], {}, {"format": "ops-console-flags", "version": 2}, {"format": "ops-console-flags", "flags": [1]}]
)
def test_what_is_no_export_is_refused_whole(document: Any) -> None:
    """Another file, a newer version, or rows that are none."""
    with pytest.raises(InvalidInput, match="file:"):
        promotion.own(document)


def test_unleash_is_stored_as_our_rules() -> None:
    """A feature with a segment and a parent comes in with its bucket's normaliser, and what was here is replaced."""
    services.create(actor(), "feature", {"percent": 100, "staff": True}, State.ON)
    state = {
        "version": 2,
        "segments": [{"id": 7, "name": "pros", "constraints": [
            {"contextName": "tier", "operator": "IN", "values": ["pro"]}]}],
        "features": [
            {"name": "feature", "enabled": True, "dependencies": [{"feature": "parent"}], "strategies": [
                {"name": "flexibleRollout", "segments": [7],
                 "parameters": {"rollout": "25", "stickiness": "default", "groupId": "feature"}}]},
            {"name": "parent", "enabled": False, "strategies": [{"name": "telepathy"}, {"name": "default"}]},
        ],
    }  # fmt: skip
    report = promotion.run(actor(), promotion.unleash(state), dry_run=False)
    assert outcomes(report) == {"pros": "new", "parent": "new", "feature": "changed"}
    assert [problem.flag for problem in report.problems] == ["parent"]
    feature = Flag.objects.get(name="feature")
    assert (feature.everyone, feature.percent, feature.staff) == (None, None, False)
    assert (feature.rules[0]["normaliser"], feature.rules[0]["segments"]) == ("unleash", ["pros"])
    assert Flag.objects.get(name="parent").everyone is False


def test_a_waffle_fixture_is_stored() -> None:
    """With its audience, and listed people by name."""
    person(Role.VIEWER)
    fields = {"name": "legacy", "everyone": None, "percent": "12.5", "testing": False, "superusers": True,
              "staff": False, "authenticated": False, "languages": "de", "note": "old", "users": [["vera"]],
              "groups": []}  # fmt: skip
    fixture = [{"model": "waffle.flag", "pk": 1, "fields": fields}]
    promotion.run(actor(), promotion.waffle(fixture), dry_run=False)
    flag = Flag.objects.get(name="legacy")
    assert (str(flag.percent), flag.superusers, flag.languages, flag.state) == ("12.50", True, "de", State.RULES)
    assert [user.username for user in flag.users.all()] == ["vera"]


def test_a_viewer_imports_nothing() -> None:
    with pytest.raises(NotAllowed):
        promotion.run(actor(Role.VIEWER), promotion.own(promotion.export()), dry_run=True)


def test_a_copy_is_off_and_says_the_same() -> None:
    """Under a name of its own, with everything but the switch."""
    make_some()
    copied = services.copy(actor(), Flag.objects.get(name="parent").pk, "twin")
    assert (copied.state, str(copied.percent)) == (State.OFF, "12.50")


def test_a_circle_in_a_file_is_refused_in_a_dry_run_too() -> None:
    """The second of two flags that ask for each other is refused, before and when it counts."""
    for name in "ab":
        services.create(actor(), name, {})
    rows = [{"name": name, "prerequisites": [{"flag": other}]} for name, other in ("ab", "ba")]
    document = {"format": "ops-console-flags", "version": 1, "flags": rows}
    for dry_run in (True, False):
        assert outcomes(run(document, dry_run)) == {"a": "changed", "b": "refused"}


@pytest.mark.django_db(transaction=True)
def test_a_kill_switch_does_not_wait_for_a_dry_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """While later rows are tried, the flags of earlier ones are free."""
    services.create(actor(), "first", {})
    services.create(actor(), "second", {})
    document = promotion.export()
    for row in document["flags"]:
        row["note"] = "changed"
    killed: list[Any] = []
    stored = importing._stored

    def meanwhile(kind: str, row: Any, store: Any, dry_run: bool) -> Any:
        if row["name"] == "second":
            with ThreadPoolExecutor(1) as pool:
                killed.append(pool.submit(kill, "first").result(10))
        return stored(kind, row, store, dry_run)

    monkeypatch.setattr(importing, "_stored", meanwhile)
    assert outcomes(run(document, dry_run=True)) == {"first": "changed", "second": "changed"}
    assert killed == [False]


def kill(name: str) -> bool | None:
    try:
        return services.set_state(SYSTEM, Flag.objects.get(name=name).pk, State.OFF, "now").everyone
    finally:
        connection.close()
