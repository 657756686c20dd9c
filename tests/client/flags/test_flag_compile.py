"""All flags at one revision."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ops_client.flags.compile import EMPTY, compile_snapshot
from ops_client.flags.evaluate import evaluate
from ops_client.flags.rules import Constraint, FlagDefinition, Rule, Segment, definition_from_row

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


@pytest.mark.parametrize("name", ["naïve", "日本語", "a b/c", "🎙", "\u202e", "x" * 1000])
def test_any_name(name):
    """A flag may have any name."""
    assert compile_snapshot([FlagDefinition(name, everyone=True)], 1).is_enabled(name, {}) is True
