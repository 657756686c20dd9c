"""Fixtures of django-waffle become rows that mean what waffle meant."""

from decimal import Decimal

import pytest

from ops_client.errors import InvalidInput
from ops_client.flags.rules import definition_from_row
from ops_client.flags.waffle import rows

FLAG = {
    "name": "new-editor", "everyone": None, "percent": None, "testing": False, "superusers": True, "staff": False,
    "authenticated": False, "languages": "", "rollout": False, "note": "", "created": "2026-01-01T00:00:00Z",
    "modified": "2026-01-01T00:00:00Z", "groups": [], "users": [],
}  # fmt: skip


def fixture(model="waffle.flag", **fields):
    return {"model": model, "pk": 1, "fields": fields}


def flag(**changes):
    return fixture(**{**FLAG, **changes})


def test_flag():
    """Every field of a flag has its place; groups and users come by their names."""
    (row,) = rows(
        [
            flag(
                everyone=False, percent="12.5", testing=True, staff=True, authenticated=True, languages="de,fr",
                note="Ask Ada", groups=[["editors"]], users=[["ada"], ["ben", "example.org"]],
            )
        ]
    ).flags  # fmt: skip
    assert row == {
        "name": "new-editor", "everyone": False, "percent": Decimal("12.5"), "testing": True, "superusers": True,
        "staff": True, "authenticated": True, "languages": "de,fr", "note": "Ask Ada", "groups": ["editors"],
        "users": ["ada", "ben"], "kind": "release", "archived": False,
    }  # fmt: skip
    assert definition_from_row(row).problems == ()


def test_switch_is_on_or_off_for_everyone():
    """A switch has two states, and so has its flag."""
    found = rows([fixture("waffle.switch", name=name, active=name == "a", note="n") for name in "ab"]).flags
    assert [(row["name"], row["everyone"], row["note"]) for row in found] == [("a", True, "n"), ("b", False, "n")]


def test_sample_is_drawn_at_every_check():
    """A sample's percentage sticks to nobody."""
    (row,) = rows([fixture("waffle.sample", name="s", percent="2.5", note="")]).flags
    (rule,) = definition_from_row(row).rules
    assert (rule.percent, rule.stickiness) == (Decimal("2.5"), "random")


def test_own_flag_model_is_known_by_its_fields():
    """A project's own model of flags is read; models of other apps are passed over."""
    own = {**flag(name="own"), "model": "shop.CompanyFlag"}
    assert [row["name"] for row in rows([fixture("auth.group", name="editors"), own]).flags] == ["own"]


def test_numbers_of_other_databases_are_told():
    """Groups and users without natural keys mean nothing here: they are left out, and told."""
    found = rows([flag(groups=[3], users=[["ada"], 4])])
    assert (found.flags[0]["groups"], found.flags[0]["users"]) == ([], ["ada"])
    assert [(problem.flag, problem.rule) for problem in found.problems] == [
        ("new-editor", "groups"),
        ("new-editor", "users"),
    ]


def test_two_of_one_name():
    """A switch with the name of a flag is left out, and told: here they share one list of names."""
    found = rows([flag(name="a"), fixture("waffle.switch", name="a", active=True, note="")])
    assert [row["everyone"] for row in found.flags] == [None]
    assert [(problem.flag, problem.rule) for problem in found.problems] == [("a", "waffle.switch")]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({}, "fixture"),
        ([5], "fixture[0]"),
        ([{"model": "waffle.flag"}], "fixture[0]"),
        ([{"fields": {}}], "fixture[0].model"),
        ([flag(name="")], "name"),
        ([flag(everyone="yes")], "everyone"),
        ([flag(percent="half")], "percent"),
        ([flag(staff=1)], "staff"),
        ([flag(groups="editors")], "groups"),
        ([fixture("waffle.switch", name="a")], "active"),
        ([fixture("waffle.sample", name="a")], "percent"),
    ],
)
def test_no_such_fixture(bad, field):
    """What is no fixture of waffle's is refused, and the field is named."""
    with pytest.raises(InvalidInput) as caught:
        rows(bad)
    assert caught.value.field == field
