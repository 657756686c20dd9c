"""All flags at one revision."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ops_client import OpsClient
from ops_client.flags import compile as compiling
from ops_client.flags.changes import changed_flags
from ops_client.flags.compile import EMPTY, Snapshot, compile_snapshot, snapshot_from_rows
from ops_client.flags.evaluate import evaluate
from ops_client.flags.rules import Constraint, FlagDefinition, Rule, Segment, definition_from_row
from ops_client.testing import MemoryStore

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_snapshot_answers_as_the_evaluator():
    """A snapshot gives what evaluating each definition gives."""
    rules = [
        {"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}], "percent": 40},
        {"percent": 10},
    ]
    flags = [definition_from_row({"name": f"flag-{n}", "rules": rules[: n % 3]}) for n in range(9)]
    snapshot = compile_snapshot(flags, 7, now=lambda: NOON)
    for flag in flags:
        for user in range(100):
            context = {"user_id": str(user), "tier": "pro" if user % 2 else "free"}
            assert snapshot.is_enabled(flag.name, context) is evaluate(flag, context, NOON)


@pytest.mark.parametrize("default", [True, False])
def test_unknown_and_archived_answer_the_default(default):
    """A flag that is not there, or archived, answers the caller's default."""
    snapshot = compile_snapshot([FlagDefinition("old", everyone=not default, archived=True)], 1)
    assert snapshot.is_enabled("old", {}, default) is default
    assert snapshot.is_enabled("never-heard-of", {}, default) is default


def test_empty_snapshot_answers_defaults():
    """Before anything is known, every flag answers its default."""
    assert EMPTY.is_enabled("a", {}, True) is True
    assert EMPTY.revision == 0


def test_snapshot_cannot_be_changed():
    """Nobody changes a snapshot under a reader."""
    snapshot = compile_snapshot([FlagDefinition("a", everyone=True)], 1)
    with pytest.raises(TypeError):
        snapshot.flags["a"] = snapshot.flags["a"]
    with pytest.raises(AttributeError):
        snapshot.revision = 2


def test_problems_are_listed():
    """Rules that are off for any reason are listed with flag and rule, and the rest still decides."""
    flags = [
        definition_from_row({"name": "a", "rules": [{"colour": "red"}]}),
        FlagDefinition("b", rules=(Rule("east", (Constraint("x", "NEARLY", ("1",)),)), Rule())),
        FlagDefinition("c", rules=(Rule(segments=("gone",)),)),
        FlagDefinition("d", rules=(Rule(percent=Decimal(5), normaliser="other"),)),
    ]
    snapshot = compile_snapshot(flags, 1)
    assert [(each.flag, each.rule) for each in snapshot.problems] == [
        ("a", "rule 1"),
        ("b", "east"),
        ("c", "rule 1"),
        ("d", "rule 1"),
    ]
    assert snapshot.is_enabled("b", {}) is True


def test_broken_segment_puts_its_rule_off():
    """A segment that cannot be followed lets nobody in, and is told."""
    segment = Segment("paying", (Constraint("tier", "REGEX", ("(",)),))
    snapshot = compile_snapshot([FlagDefinition("a", rules=(Rule(segments=("paying",)),))], 1, [segment])
    assert not snapshot.is_enabled("a", {"tier": "pro"})
    assert len(snapshot.problems) == 1


@pytest.mark.parametrize("name", ["naïve", "日本語", "a b/c", "🎙", "\u202e", "\ud800", "nul \0", "x" * 1000])
def test_any_name(name):
    """A flag may have any name, half a surrogate pair included, and buckets like any other."""
    assert compile_snapshot([FlagDefinition(name, everyone=True)], 1).is_enabled(name, {}) is True
    ramp = compile_snapshot([FlagDefinition(name, rules=(Rule(percent=Decimal(50)),))], 1)
    assert {ramp.is_enabled(name, {"user_id": str(number)}) for number in range(50)} == {True, False}


TIERS = {"constraints": [{"field": "tier", "operator": "IN", "values": ["pro"]}]}
PAYING = Segment("paying", (Constraint("tier", "IN", ("pro",)),))


def load(rows, segments=(), before: Snapshot | None = None) -> Snapshot:
    return snapshot_from_rows(rows, 1, segments, before)


def test_a_load_reads_no_flag_that_nobody_asks_for(monkeypatch):
    """Loading costs no reading: a row is read at its first question, once."""
    read = []
    monkeypatch.setattr(
        compiling, "definition_from_row", lambda row: read.append(row["name"]) or definition_from_row(row)
    )
    snapshot = load([{"name": f"flag-{number}", "rules": [TIERS]} for number in range(1_000)])
    assert read == []
    assert [snapshot.is_enabled("flag-7", {"tier": tier}) for tier in ("pro", "free")] == [True, False]
    assert read == ["flag-7"]


def test_rows_without_a_name_are_left_out():
    """A row that is no flag keeps no other from being loaded."""
    snapshot = load([{"name": None}, {}, {"name": ""}, {"name": 7}, {"name": "a", "everyone": True}])
    assert set(snapshot.flags) == set(snapshot.definitions) == {"a"}
    assert snapshot.is_enabled("a", {})


def test_an_unchanged_flag_is_taken_over():
    """In a newer snapshot a flag that says what it said is the same object; one that changed is made anew."""
    rows = [{"name": "a", "rules": [TIERS]}, {"name": "b", "everyone": True}]
    first = load(rows)
    assert first.is_enabled("b", {})
    kept = first.flags["a"]
    second = load([{"name": "a", "rules": [dict(TIERS)]}, {"name": "b", "everyone": False}], before=first)
    assert second.flags["a"] is kept
    assert not second.is_enabled("b", {})
    assert first.is_enabled("b", {})


@pytest.mark.parametrize(("before", "after", "beta"), [(True, 1, 1), (1, True, True), (5, 5.0, 5.0), (5.0, 5, 5)])
def test_a_changed_type_is_followed(before, after, beta):
    """A rule whose JSON changed only in its type is made anew, and the flag is named as changed."""

    def row(value):
        return {"name": "a", "rules": [{"constraints": [{"field": "beta", "operator": "IN", "values": [value]}]}]}

    first = load([row(before)])
    assert not first.is_enabled("a", {"beta": beta})
    second = load([row(after)], before=first)
    assert second.is_enabled("a", {"beta": beta})
    assert changed_flags(first, second) == ["a"]


def test_a_changed_segment_is_followed():
    """A flag whose row did not change follows a segment that did."""
    rows = [{"name": "a", "rules": [{"segments": ["paying"]}]}]
    first = load(rows, [PAYING])
    assert first.is_enabled("a", {"tier": "pro"})
    second = load(rows, [Segment("paying", (Constraint("tier", "IN", ("free",)),))], first)
    assert [second.is_enabled("a", {"tier": tier}) for tier in ("pro", "free")] == [False, True]


def test_a_changed_parent_is_followed():
    """A flag whose row did not change follows a parent that did."""
    child = {"name": "child", "percent": 100, "prerequisites": [{"flag": "parent"}]}
    first = load([child, {"name": "parent", "everyone": True}])
    assert first.is_enabled("child", {})
    assert not load([child, {"name": "parent", "everyone": False}], before=first).is_enabled("child", {})


def test_problems_are_those_of_the_snapshot():
    """Problems of a flag that stands are kept, those of one that was mended or archived are gone."""
    odd = [{"colour": "red"}]
    first = load([{"name": "a", "rules": odd}, {"name": "b", "rules": odd}, {"name": "c", "rules": odd}])
    assert [each.flag for each in first.problems] == ["a", "b", "c"]
    second = load(
        [{"name": "a", "rules": odd}, {"name": "b"}, {"name": "c", "rules": odd, "archived": True}], before=first
    )
    assert [each.flag for each in second.problems] == ["a"]


def test_fields_are_those_that_something_reads():
    """The fields that rules, segments, variants and stickiness read are named, and no other."""
    variants = [{"name": "red", "weight": 1, "stickiness": "device", "overrides": [{"field": "mail", "values": ["x"]}]}]
    rows = [{"name": "a", "rules": [{**TIERS, "stickiness": "account"}], "variants": variants}]
    segment = Segment("far", (Constraint("country", "IN", ("NZ",)),))
    assert load(rows, [segment]).fields == {"tier", "account", "device", "mail", "country"}


def test_readers_are_answered_while_snapshots_change():
    """Threads that ask during a hundred changes always get an answer of one snapshot or the next."""
    rows = [{"name": f"flag-{number}", "rules": [TIERS]} for number in range(200)]
    store = MemoryStore({"flags": rows})
    stop = threading.Event()

    def ask() -> set:
        seen = set()
        while not stop.is_set():
            seen |= {ops.flags.is_enabled(f"flag-{number}", {"tier": "pro", "user_id": "1"}) for number in range(200)}
        return seen

    with OpsClient("", service="t", store=store, snapshot_path=None) as ops, ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(ask) for _ in range(3)]
        for revision in range(2, 102):
            changed = [{**row, "version": revision} if number % 2 else row for number, row in enumerate(rows)]
            ops.flags.apply({"flags": changed, "segments": []}, revision)
        stop.set()
        assert [each.result() for each in asking] == [{True}] * 3
