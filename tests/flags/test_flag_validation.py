"""What a flag may not hold: the field is named, and what would be right is said."""

from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils.dateparse import parse_datetime

from flags import services
from flags.models import Flag, Segment, State
from flags.prerequisites import dependents
from ops_client.flags.prerequisites import MOST_ASKED
from ops_console.errors import InvalidInput
from tests.people import actor

pytestmark = pytest.mark.django_db

EARLY, LATE = parse_datetime("2026-12-01T10:00:00Z"), parse_datetime("2026-12-24T18:00:00Z")


def constraint(operator: str, *values: str) -> list[dict[str, Any]]:
    return [{"constraints": [{"field": "x", "operator": operator, "values": list(values)}]}]


def variant(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "blue", "weight": 500, **fields}]


def payload(type_: str, value: str) -> list[dict[str, Any]]:
    return variant(payload={"type": type_, "value": value})


WRONG: list[tuple[str, Any, str]] = [
    ("rules", {"percent": 5}, "is a list"),
    ("rules", [{"telepathy": 1}], "rule 1: rule: this version does not know telepathy"),
    ("rules", constraint("REGEX", "(("), "rule 1, constraint 1: values: is not a pattern that RE2 can read"),
    ("rules", constraint("CIDR", "10.0.0.0/40"), "write networks as 10.0.0.0/8"),
    ("rules", constraint("DATE_AFTER", "christmas"), "exactly one date as ISO 8601"),
    ("rules", constraint("SEMVER_GT", "2.x"), "exactly one semantic version"),
    ("rules", constraint("NUM_GT", "many"), "exactly one number"),
    ("rules", constraint("SMELLS_LIKE", "x"), "does not know 'SMELLS_LIKE'"),
    ("rules", [{}, {"segments": ["gone"]}], "rule 2: segments: there is no segment named 'gone'"),
    ("rules", [{"normaliser": "astrology"}], "does not know 'astrology'"),
    ("variants", [{"weight": 5}], "variant 1: name"),
    ("variants", variant(weight=1001), "weight: is a whole number from 0 to 1000"),
    ("variants", variant(weight=True), "weight"),
    ("variants", variant() + variant(), "two have one name"),
    ("variants", variant(weight=0), "all weights are 0"),
    ("variants", variant(colour="blue"), "does not know colour"),
    ("variants", payload("json", "{"), "is not json"),
    ("variants", payload("number", "twelve"), "is not number"),
    ("variants", payload("yaml", "a: 1"), "type: is one of string, json, number, csv"),
    ("variants", variant(overrides=[{"field": "user_id"}]), "overrides"),
    ("rules", [{"variants": payload("json", "{")}], "rule 1, variant 1: payload: is not json"),
    ("rules", [{"variants": variant(overrides=[{"field": "x", "values": ["y"]}])}], "a rule has constraints"),
    ("prerequisites", [{"flag": "gone"}], "no flag named 'gone' in force"),
    ("prerequisites", [{"flag": "parent", "state": "maybe"}], "state: is on or off"),
    ("prerequisites", [{"flag": "player"}], "player -> player"),
    ("off_at", EARLY, "lies before on_at"),
    ("tags", ["x" * 41], "1 to 40 characters"),
    ("tags", [""], "1 to 40 characters"),
    ("kind", "hobby", "kind"),
    ("runbook_url", "javascript:alert(1)", "runbook_url"),
    ("percent", "101", "percent"),
]


@pytest.mark.parametrize(("field", "value", "said"), WRONG, ids=[f"{field}-{said[:24]}" for field, _, said in WRONG])
def test_what_cannot_be_is_refused_with_what_would_be_right(field: str, value: Any, said: str) -> None:
    """The refusal names the field and says what is wrong, and the flag stays as it was."""
    services.create(actor(), "parent", {})
    flag = services.create(actor(), "player", {"on_at": LATE})
    with pytest.raises(InvalidInput) as refused:
        services.edit(actor(), flag.pk, {field: value}, flag.version)
    assert refused.value.field == field
    assert said in refused.value.message
    assert Flag.objects.get(pk=flag.pk).version == 1


def test_everything_that_can_be_is_kept() -> None:
    """Each field of the model takes what the documentation shows."""
    Segment.objects.create(name="friends", constraints=[{"field": "tier", "operator": "IN", "values": ["pro"]}])
    services.create(actor(), "parent", {"variants": variant()})
    values: dict[str, Any] = {
        "rules": [{"name": "pros", "segments": ["friends"], "percent": 12.5, "stickiness": "session_id"}],
        "variants": [
            {"name": "a", "weight": 1, "payload": {"type": "json", "value": '{"a": 1}'}, "stickiness": "user_id"},
            {"name": "b", "weight": 0, "payload": None, "overrides": [{"field": "user_id", "values": ["17"]}]},
        ],
        "prerequisites": [{"flag": "parent", "state": "on", "variants": ["blue"]}],
        "on_at": EARLY,
        "off_at": LATE,
        "kind": "experiment",
        "tags": ["player", "web"],
        "runbook_url": "https://example.com/runbook",
    }
    flag = services.create(actor(), "player", values)
    flag.refresh_from_db()
    assert {field: getattr(flag, field) for field in values} == values


def test_a_circle_is_shown() -> None:
    """Whoever closes a circle of prerequisites is told the way round."""
    a, _b, _c = (services.create(actor(), name, {}) for name in "abc")
    for child, parent in (("b", "a"), ("c", "b")):
        services.edit(actor(), Flag.objects.get(name=child).pk, {"prerequisites": [{"flag": parent}]}, 1)
    with pytest.raises(InvalidInput, match="a -> c -> b -> a"):
        services.edit(actor(), a.pk, {"prerequisites": [{"flag": "c"}]}, 1)
    assert [flag.name for flag in dependents("a")] == ["b"]


def test_too_many_questions_are_refused_for_whoever_would_ask_them() -> None:
    """A parent that is given parents of its own counts for the flags that ask it."""
    many = [f"parent {number}" for number in range(MOST_ASKED)]
    Flag.objects.bulk_create(Flag(name=name) for name in [*many, "last"])
    services.create(actor(), "child", {"prerequisites": [{"flag": name} for name in many]})
    with pytest.raises(InvalidInput, match="child would ask more than 100"):
        services.edit(actor(), Flag.objects.get(name=many[0]).pk, {"prerequisites": [{"flag": "last"}]}, 1)


@pytest.mark.parametrize("kind", ["[]", '{"a":}'])
@pytest.mark.parametrize("column", ["rules", "variants", "prerequisites", "tags"])
def test_the_database_takes_no_deep_json(column: str, kind: str) -> None:
    """What is nested deeper than any reader goes is refused even to plain SQL: one row would blind every backend."""
    flag = Flag.objects.create(name="player")
    opened, closed = kind[:-1], kind[-1]
    deep = f"{opened * 1500}{'' if kind == '[]' else '1'}{closed * 1500}"
    with pytest.raises(IntegrityError, match="flags_flag_depth"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE flags_flag SET {column} = %s::jsonb WHERE id = %s", [deep, flag.pk])


def test_a_broken_flag_can_still_be_turned_off() -> None:
    """What SQL broke does not stand in the way of the kill switch."""
    flag = Flag.objects.create(name="broken", rules=[{"telepathy": 1}], prerequisites=[{"flag": "gone"}])
    assert services.set_state(actor(), flag.pk, State.OFF).everyone is False
