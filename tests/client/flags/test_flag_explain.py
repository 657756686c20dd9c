"""Why a flag answers as it does."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from ops_client import OpsClient
from ops_client.flags.buckets import bucket
from ops_client.flags.compile import compile_snapshot
from ops_client.flags.explain import Explanation, Reason
from ops_client.flags.prerequisites import Prerequisite
from ops_client.flags.rules import (
    Constraint,
    FlagDefinition,
    Rule,
    Schedule,
    Segment,
    definition_from_row,
    segments_from_rows,
)
from ops_client.flags.variants import VariantDefinition
from ops_client.testing import MemoryStore
from tests.client.flags.strategies import NAMES, NOON, contexts, odd_contexts, rows, segment_rows

PRO = Constraint("tier", "IN", ("pro",))


def explain(*flags: FlagDefinition, context=None, default=False, segments=()) -> Explanation:
    return compile_snapshot(flags, 1, segments, now=lambda: NOON).explain(flags[0].name, context or {}, default)


@given(rows(), segment_rows, contexts)
def test_an_explanation_is_the_answer(flags, segments, context):
    """Answer and variant of an explanation are those of `is_enabled` and `variant`, for every flag and context."""
    snapshot = compile_snapshot(map(definition_from_row, flags), 1, segments_from_rows(segments), now=lambda: NOON)
    for name in NAMES:
        explanation = snapshot.explain(name, context)
        assert explanation.answer is snapshot.is_enabled(name, context)
        assert explanation.variant == snapshot.variant(name, context)


@given(rows(), segment_rows, odd_contexts)
def test_an_explanation_raises_nothing(flags, segments, context):
    """Whatever a context holds, there is an explanation that JSON and a terminal can take."""
    snapshot = compile_snapshot(map(definition_from_row, flags), 1, segments_from_rows(segments), now=lambda: NOON)
    for name in NAMES:
        explanation = snapshot.explain(name, context)
        assert explanation.answer in {True, False}
        json.dumps(explanation.as_dict())
        "\n".join(explanation.lines()).encode()


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        (FlagDefinition("f", everyone=True), Reason.EVERYONE),
        (FlagDefinition("f", archived=True), Reason.ARCHIVED),
        (FlagDefinition("f", rules=(Rule(),), schedule=Schedule(off_at=NOON)), Reason.SCHEDULE),
        (FlagDefinition("f", rules=(Rule(),), prerequisites=(Prerequisite("gone"),)), Reason.PREREQUISITE),
        (FlagDefinition("f", rules=(Rule(),), prerequisites=(Prerequisite("f"),)), Reason.REFUSAL),
        (FlagDefinition("f", rules=(Rule(),)), Reason.RULE),
        (FlagDefinition("f", rules=(Rule(percent=Decimal(0)),)), Reason.NO_RULE),
        (FlagDefinition("f"), Reason.NO_RULE),
    ],
)
def test_reason(flag, reason):
    """What settled the answer has a code."""
    assert explain(flag).reason is reason


def test_unknown_flag():
    """A flag that nobody defined answers the default, and says so."""
    explanation = compile_snapshot([], 1).explain("f", {}, default=True)
    assert (explanation.answer, explanation.reason) == (True, Reason.UNDEFINED)


def test_bucket_and_threshold_are_told():
    """A percentage tells the bucket that the key stands in and how far it reaches, in words and as numbers."""
    explanation = explain(
        FlagDefinition("f", rules=(Rule("some", percent=Decimal("12.5")),)), context={"user_id": "u-1"}
    )
    (check,) = explanation.checks[0].checks
    own = bucket("f", "u-1")
    assert check.facts["bucket"] == own
    assert check.facts["threshold"] == 1250
    assert check.sentence == f"user_id u-1 stands in bucket {own:,} of 10,000; 12.5 % reaches those below 1,250"


def test_every_step_is_told():
    """Schedule, prerequisite, segment, constraint and percentage appear in order, each with its answer."""
    flag = FlagDefinition(
        "f",
        rules=(Rule("payers", (Constraint("country", "IN", ("DE",), inverted=True),), ("paying",)),),
        prerequisites=(Prerequisite("parent"),),
        schedule=Schedule(NOON, NOON + timedelta(hours=1)),
        variants=(VariantDefinition("red", 1),),
    )
    context = {"tier": "pro", "country": "FR", "user_id": "1"}
    found = explain(
        flag, FlagDefinition("parent", everyone=True), context=context, segments=[Segment("paying", (PRO,))]
    )
    assert found.lines() == [
        "f is on, variant red: payers lets it in",
        "  yes on from 2026-11-24 12:00:00 UTC until 2026-11-24 13:00:00 UTC only",
        "  yes flag parent must be on: it is",
        "  yes payers lets it in",
        "    yes not (country is one of DE): it is FR",
        "    yes segment paying",
        "      yes tier is one of pro: it is pro",
        "    yes 100 %: everybody, with or without a key",
    ]


def test_rule_that_is_not_understood_is_told():
    """A rule that this version cannot follow appears with the reason why it is off."""
    flag = definition_from_row({"name": "f", "rules": [{"name": "odd", "colour": "red"}, {"segments": ["gone"]}]})
    assert [(check.kind, check.holds) for check in explain(flag).checks] == [("problem", False), ("problem", False)]
    assert "there is no segment named 'gone'" in "\n".join(explain(flag).lines())


def test_client_explains_and_does_not_count():
    """`client.flags.explain` answers as `is_enabled`, and leaves no trace in the usage."""
    store = MemoryStore({"flags": [{"name": "f", "percent": 100, "rules": []}]})
    with OpsClient("", service="t", store=store, poll_seconds=0.05, snapshot_path=None) as ops:
        assert ops.flags.explain("f", {"user_id": "1"}).answer
        assert ops.flags.explain("gone", default=True).reason is Reason.UNDEFINED
    assert not any(name.startswith("add_flag") for name, _ in store.executed)


def test_environment_is_named(monkeypatch):
    """A flag that only the environment knows says so."""
    monkeypatch.setenv("OPS_FLAG_NEW_PLAYER", "on")
    with OpsClient("", service="t", store=MemoryStore(), poll_seconds=0.05, snapshot_path=None) as ops:
        explanation = ops.flags.explain("new-player")
    assert (explanation.answer, explanation.reason) == (True, Reason.ENVIRONMENT)
