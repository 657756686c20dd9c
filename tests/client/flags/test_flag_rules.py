"""Rows of the view of flags become definitions; what cannot be understood is off and told."""

from decimal import Decimal

import pytest

from ops_client.errors import InvalidInput
from ops_client.flags.rules import Constraint, Rule, definition_from_row, rule_from_json

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
    assert rule == Rule(constraints=(Constraint("tier", "IN", ("pro", "7", "true")),), percent=Decimal("50.25"))


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
