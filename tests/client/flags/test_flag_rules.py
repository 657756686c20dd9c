"""Rows of the view of flags become definitions; what cannot be understood is off and told."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ops_client.errors import InvalidInput
from ops_client.flags.evaluate import evaluate
from ops_client.flags.prerequisites import Prerequisite
from ops_client.flags.rules import ALWAYS, Constraint, Rule, Schedule, definition_from_row, rule_from_json
from ops_client.flags.variants import Payload, VariantDefinition

ROW = {
    "name": "new-editor", "everyone": None, "percent": None, "testing": False, "superusers": False,
    "staff": False, "authenticated": False, "languages": "", "groups": [], "users": [], "rules": [],
    "archived": False, "version": 3,
}  # fmt: skip


def rules_of(**changes) -> tuple[Rule, ...]:
    definition = definition_from_row({**ROW, **changes})
    assert definition.problems == ()
    return definition.rules


def test_plain_row():
    """A row without audience or rules has neither, and keeps its version."""
    definition = definition_from_row(ROW)
    assert (definition.name, definition.everyone, definition.rules) == ("new-editor", None, ())
    assert definition.version == 3


@pytest.mark.parametrize(
    ("column", "value", "field", "values"),
    [
        ("superusers", True, "superuser", ("true",)),
        ("staff", True, "staff", ("true",)),
        ("authenticated", True, "authenticated", ("true",)),
        ("testing", True, "testing", ("new-editor",)),
        ("languages", "de, fr-ca,", "language", ("de", "fr-ca")),
        ("groups", ["editors"], "groups", ("editors",)),
        ("users", ["7", "8"], "user_id", ("7", "8")),
    ],
)
def test_audience_becomes_a_rule(column, value, field, values):
    """Each of waffle's audience fields is a rule over the context field of that name."""
    assert rules_of(**{column: value}) == (Rule(column, (Constraint(field, "IN", values),)),)


def test_percent_becomes_a_rule_by_user():
    """The percentage is a rule that sticks to the user."""
    (rule,) = rules_of(percent=Decimal("12.5"))
    assert (rule.percent, rule.stickiness, rule.constraints) == (Decimal("12.5"), "user_id", ())


def test_own_rules_follow_the_audience():
    """Rules of our own stand beside the audience; any of them lets a context in."""
    own = {"constraints": [{"field": "tier", "operator": "IN", "values": ["pro", 7, True]}], "percent": "50.25"}
    staff, rule = rules_of(staff=True, rules=[own])
    assert staff.name == "staff"
    constraint = Constraint("tier", "IN", ("pro", "7", "true"))
    assert rule == Rule("rule 1", (constraint,), percent=Decimal("50.25"))


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "all",
        {"percent": 101},
        {"percent": -1},
        {"percent": "NaN"},
        {"percent": True},
        {"percent": "half"},
        {"constraints": "none"},
        {"constraints": [{}]},
        {"constraints": [{"field": "", "operator": "IN"}]},
        {"constraints": [{"field": "a", "operator": "IN", "values": [None]}]},
        {"constraints": [{"field": "a", "operator": "IN", "values": [], "inverted": "yes"}]},
        {"segments": [1]},
        {"stickiness": 5},
        {"only_on_tuesdays": True},
    ],
)
def test_unreadable_rule_is_off_and_told(raw):
    """A rule that is not understood is left out and told by number; the others stay."""
    definition = definition_from_row({**ROW, "rules": [raw, {"percent": 10}]})
    assert [rule.percent for rule in definition.rules] == [Decimal(10)]
    (problem,) = definition.problems
    assert (problem.flag, problem.rule) == ("new-editor", "rule 1")
    assert problem.message


def test_rules_that_are_no_list_are_told():
    """A `rules` column of another shape is told, not raised."""
    assert [problem.rule for problem in definition_from_row({**ROW, "rules": {"a": 1}}).problems] == ["rules"]


def test_percent_out_of_range_is_told():
    """A percentage that the table should never have let in is told, and lets nobody in."""
    definition = definition_from_row({**ROW, "percent": 400})
    assert definition.rules == ()
    assert definition.problems[0].rule == "percent"


@pytest.mark.parametrize("name", [None, "", 7])
def test_nameless_row_is_refused(name):
    """A row without a name is no flag."""
    with pytest.raises(InvalidInput) as caught:
        definition_from_row({**ROW, "name": name})
    assert caught.value.field == "name"


def test_refusal_names_the_field():
    """What a form shows beside the input is in the error."""
    with pytest.raises(InvalidInput) as caught:
        rule_from_json({"percent": 250})
    assert caught.value.field == "percent"
    assert "0 to 100" in caught.value.message


VARIANT = {"name": "red", "weight": 500, "payload": {"type": "json", "value": "{}"}}
PARENT = {"flag": "player", "state": "on", "variants": ["a"]}


def test_row_of_an_older_contract():
    """A row without the columns that came later has no variants, prerequisites or schedule."""
    definition = definition_from_row(ROW)
    assert (definition.variants, definition.prerequisites, definition.schedule) == ((), (), ALWAYS)
    assert definition.understood


def test_variants_prerequisites_and_schedule():
    """The later columns are read, times as a database and as a file gives them."""
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    rules = [{"variants": [VARIANT]}]
    row = {**ROW, "variants": [VARIANT], "prerequisites": [PARENT], "on_at": noon, "off_at": None, "rules": rules}
    definition = definition_from_row(row)
    assert definition.variants == (VariantDefinition("red", 500, Payload("json", "{}")),)
    assert definition.rules[0].variants == definition.variants
    assert definition.prerequisites == (Prerequisite("player", True, ("a",)),)
    assert definition.schedule == Schedule(noon, None)
    assert definition_from_row({**row, "on_at": noon.isoformat()}) == definition


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        ("prerequisites", [{"flag": "a", "state": "perhaps"}], "prerequisites"),
        ("prerequisites", [{"flag": "a", "state": ["on"]}], "prerequisites"),
        ("prerequisites", [{"state": "on"}], "prerequisites"),
        ("prerequisites", [{"flag": "a", "state": "off", "variants": ["b"]}], "prerequisites"),
        ("prerequisites", [{"flag": "a", "since": 1}], "prerequisites"),
        ("prerequisites", "player", "prerequisites"),
        ("on_at", "tomorrow", "schedule"),
        ("off_at", 5, "schedule"),
    ],
)
def test_unreadable_gate_keeps_the_flag_off(column, value, part):
    """A prerequisite or a time that is not understood puts the flag off, and is told."""
    definition = definition_from_row({**ROW, "percent": 100, column: value})
    assert not definition.understood
    assert [problem.rule for problem in definition.problems] == [part]
    assert evaluate(definition, {}, datetime(2026, 11, 24, tzinfo=UTC)) is False


@pytest.mark.parametrize(
    "raw",
    [
        [{}],
        [{"name": ""}],
        [{"name": "a", "weight": 1001}],
        [{"name": "a", "weight": -1}],
        [{"name": "a", "weight": 0.5}],
        [{"name": "a", "payload": {"type": "yaml", "value": ""}}],
        [{"name": "a", "payload": "text"}],
        [{"name": "a", "overrides": [{"values": []}]}],
        [{"name": "a"}, {"name": "a"}],
        [{"name": "a", "colour": "red"}],
        {"a": 1},
    ],
)
def test_unreadable_variants_are_told(raw):
    """A flag whose variants are not understood has none, and it is told; its rules still decide."""
    definition = definition_from_row({**ROW, "percent": 100, "variants": raw})
    assert definition.variants == ()
    assert [problem.rule for problem in definition.problems] == ["variants"]
    assert evaluate(definition, {}, datetime(2026, 11, 24, tzinfo=UTC)) is True
