"""Which variant a context is given."""

import random
from collections import Counter
from datetime import UTC, datetime

import mmh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.errors import InvalidInput
from ops_client.flags.buckets import VARIANT_SEED
from ops_client.flags.choose import chooser
from ops_client.flags.compile import compile_snapshot
from ops_client.flags.rules import FlagDefinition, Rule, definition_from_row
from ops_client.flags.variants import DISABLED, ON_WITHOUT, Override, Payload, Variant, VariantDefinition

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HALVES = (VariantDefinition("a", 500), VariantDefinition("b", 500))


def variant_of(flag: FlagDefinition, context) -> Variant:
    return compile_snapshot([flag], 1, now=lambda: NOON).variant(flag.name, context)


def flag(variants, **options) -> FlagDefinition:
    return FlagDefinition("cover", rules=(Rule(),), variants=tuple(variants), **options)


def test_target_is_murmur3_with_a_seed_of_its_own():
    """The first variant whose cumulative weight reaches murmur3(group:key, 86028157) % total + 1: as Unleash has it."""
    variants = (VariantDefinition("a", 100), VariantDefinition("b", 200), VariantDefinition("c", 700))
    choose = chooser("cover", variants)
    for number in range(500):
        target = mmh3.hash(f"cover:{number}", VARIANT_SEED, signed=False) % 1000 + 1
        expected = "a" if target <= 100 else "b" if target <= 300 else "c"
        assert choose({"user_id": str(number)}).name == expected


def test_weights_are_relative():
    """Weights need not add up to anything: 1 to 3 is a quarter and three quarters."""
    choose = chooser("cover", (VariantDefinition("a", 1), VariantDefinition("b", 3)))
    seen = Counter(choose({"user_id": str(number)}).name for number in range(4_000))
    assert 900 < seen["a"] < 1_100


def test_payload_and_state_come_with_it():
    """The answer says its payload, and that the flag is on."""
    payload = Payload("number", "7")
    answer = variant_of(flag([VariantDefinition("a", 1, payload)]), {"user_id": "1"})
    assert answer == Variant("a", True, payload, True)
    assert answer.payload.parsed() == 7


@pytest.mark.parametrize("changes", [{"everyone": False}, {"archived": True}])
def test_flag_that_is_off_has_none(changes):
    """Off, or archived: no variant."""
    assert variant_of(flag(HALVES, **changes), {"user_id": "1"}) == DISABLED


def test_flag_on_for_everyone_has_its_variants():
    """`everyone` True gives the flag's variants."""
    assert variant_of(flag(HALVES, everyone=True), {"user_id": "1"}).enabled


@pytest.mark.parametrize("variants", [(), (VariantDefinition("a", 0),)])
def test_on_without_a_variant(variants):
    """A flag that is on and has no variant with a weight says just that."""
    assert variant_of(flag(variants), {"user_id": "1"}) == ON_WITHOUT


def test_override_comes_before_weight():
    """A context that an override names gets that variant, even one without weight; the first one wins."""
    override = Override("user_id", ("7", "8"))
    variants = (VariantDefinition("a", 1), VariantDefinition("b", 0, overrides=(override,)),
                VariantDefinition("c", 0, overrides=(override,)))  # fmt: skip
    assert variant_of(flag(variants), {"user_id": 7}).name == "b"
    assert variant_of(flag(variants), {"user_id": "9"}).name == "a"


def test_variants_of_the_rule_come_first():
    """The rule that let the context in gives its own variants, else the flag's."""
    own = Rule("own", variants=(VariantDefinition("mine", 1),))
    assert variant_of(FlagDefinition("x", rules=(own, Rule()), variants=HALVES), {"user_id": "1"}).name == "mine"
    assert variant_of(FlagDefinition("x", rules=(Rule(), own), variants=HALVES), {"user_id": "1"}).name in "ab"


def test_rule_variants_stand_in_the_group_of_the_rule():
    """A rule's variants are dealt by its group, the flag's by the flag's name."""
    contexts = [{"user_id": str(number)} for number in range(200)]
    by_group = chooser("shared", HALVES)
    grouped = FlagDefinition("x", rules=(Rule(group="shared", variants=HALVES),))
    assert [variant_of(grouped, each).name for each in contexts] == [by_group(each).name for each in contexts]
    of_flag = FlagDefinition("x", rules=(Rule(group="shared"),), variants=HALVES)
    by_name = chooser("x", HALVES)
    assert [variant_of(of_flag, each).name for each in contexts] == [by_name(each).name for each in contexts]


@pytest.mark.parametrize(
    ("stickiness", "context"),
    [
        ("default", {"user_id": "1"}),
        ("default", {"session_id": "1"}),
        ("default", {"user_id": "1", "session_id": "2"}),
        ("account", {"account": 1, "user_id": "2"}),
    ],
)
def test_sticks_to_the_key(stickiness, context):
    """The first variant's stickiness names the key: the user, else the session, or a field."""
    sticky = (VariantDefinition("a", 500, stickiness=stickiness), VariantDefinition("b", 500, stickiness="ignored"))
    assert chooser("x", sticky)(context) == chooser("x", HALVES)({"user_id": "1"})


@pytest.mark.parametrize("stickiness", ["default", "random", "account"])
def test_without_a_key_chance_decides(stickiness):
    """A context without the key gets any of the variants."""
    random.seed(1)
    sticky = (VariantDefinition("a", 500, stickiness=stickiness), VariantDefinition("b", 500))
    assert {chooser("x", sticky)({}).name for _ in range(100)} == {"a", "b"}


@pytest.mark.parametrize(
    ("kind", "value", "parsed"),
    [
        ("string", "1", "1"),
        ("json", '{"a": [1, null]}', {"a": [1, None]}),
        ("number", "2.5", 2.5),
        ("csv", 'a, b,"c,d"', ["a", "b", "c,d"]),
    ],
)
def test_payload_is_parsed_by_type(kind, value, parsed):
    """A payload becomes what its type says."""
    assert Payload(kind, value).parsed() == parsed


@pytest.mark.parametrize(
    ("kind", "value"),
    [("json", "{"), ("number", "many"), ("number", "true"), ("number", "NaN"), ("json", "[Infinity]")],
)
def test_payload_that_is_not_its_type(kind, value):
    """A payload that does not fit its type is refused by name."""
    with pytest.raises(InvalidInput) as caught:
        Payload(kind, value).parsed()
    assert caught.value.field == "payload"


@given(st.lists(st.integers(0, 1000), max_size=5), st.text())
def test_every_context_gets_one_with_a_weight(weights, key):
    """Whatever the weights and the key, the variant has a weight; with none there is no variant."""
    variants = [VariantDefinition(str(number), weight) for number, weight in enumerate(weights)]
    chosen = chooser("x", variants)({"user_id": key})
    assert (chosen is None) is (sum(weights) == 0)
    assert chosen is None or weights[int(chosen.name)] > 0


def test_a_row_has_variants():
    """Variants out of a row are given."""
    row = {"name": "x", "everyone": True, "variants": [{"name": "red", "weight": 1}]}
    assert variant_of(definition_from_row(row), {}).name == "red"
