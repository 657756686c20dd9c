"""Everybody gets the variant that Unleash gave them."""

import pytest

from ops_client.flags.unleash import load
from ops_client.flags.variants import Payload


def several(*names, **parts):
    return [{"name": name, "weight": 100, **parts} for name in names]


def strategy(*variants, **parts):
    parameters = {"rollout": "100", "stickiness": "default", "groupId": "trial"}
    return {"name": "flexibleRollout", "parameters": {**parameters, **parts}, "variants": list(variants)}


def name_for(flags, **context):
    return flags.variant("f", context).name


def test_variant_of_a_feature(flags):
    """A variant comes with its payload and says that the feature is on."""
    payload = {"type": "json", "value": '{"a": 1}'}
    found = flags(variants=[{"name": "only", "weight": 1, "payload": payload}]).variant("f", {"userId": "7"})
    assert (found.name, found.enabled, found.feature_enabled) == ("only", True, True)
    assert found.payload == Payload("json", '{"a": 1}')
    assert found.payload == payload
    assert found.payload["value"] == found.payload.value
    assert found.payload != {"type": "string", "value": '{"a": 1}'}


@pytest.mark.parametrize("enabled", [True, False])
def test_no_variant(flags, enabled):
    """Without variants there is the disabled one, which still tells whether the feature is on."""
    found = flags(enabled=enabled).variant("f")
    assert (found.name, found.enabled, found.payload, found.feature_enabled) == ("disabled", False, None, enabled)


def test_a_feature_that_is_off_has_no_variant(flags):
    """Variants are for those whom the feature lets in."""
    shut = flags({"name": "userWithId", "parameters": {"userIds": "7"}}, variants=several("a"))
    assert name_for(shut, userId="8") == "disabled"
    assert name_for(shut, userId="7") == "a"


# Which of three equal variants Unleash gives these keys in the feature `f`.
@pytest.mark.parametrize(("key", "name"), [("anna", "a"), ("ben", "c"), ("carla", "b"), ("7", "b")])
def test_users_keep_their_variant(flags, key, name):
    """The place among the weights is the one that Unleash's hash gives a key."""
    three = flags(variants=several("a", "b", "c"))
    assert name_for(three, userId=key) == name
    assert name_for(three, sessionId=key) == name
    by_company = flags(variants=several("a", "b", "c", stickiness="company"))
    assert name_for(by_company, userId="somebody", properties={"company": key}) == name


def test_weights(flags):
    """A weight of 0 is for nobody, and if all have none there is no variant."""
    users = [str(number) for number in range(100)]
    uneven = flags(variants=[{"name": "none", "weight": 0}, {"name": "all", "weight": 3}])
    assert {name_for(uneven, userId=user) for user in users} == {"all"}
    assert name_for(flags(variants=[{"name": "none", "weight": 0}]), userId="7") == "disabled"


def test_without_a_key_chance_decides(flags):
    """Whoever has no sticky key gets any of the variants."""
    two = flags(variants=several("a", "b", stickiness="company"))
    assert {name_for(two, userId="7") for _ in range(200)} == {"a", "b"}
    assert {name_for(flags(variants=several("a", "b", stickiness="random")), userId="7") for _ in range(200)} == {
        "a",
        "b",
    }


def test_override_comes_before_weights(flags):
    """The first variant with an override for this context is given, on any field."""
    overridden = flags(
        variants=[
            *several("a", "b"),
            {"name": "mine", "weight": 0, "overrides": [{"contextName": "userId", "values": ["7", "8"]}]},
            {"name": "theirs", "weight": 0, "overrides": [{"contextName": "company", "values": ["acme"]}]},
        ]
    )
    assert name_for(overridden, userId="7", properties={"company": "acme"}) == "mine"
    assert name_for(overridden, userId="9", properties={"company": "acme"}) == "theirs"
    assert name_for(overridden, userId="9") in {"a", "b"}


def test_variants_of_a_strategy_come_first(flags):
    """Whoever a strategy with variants lets in gets one of its own; others get the feature's."""
    own = {"name": "own", "weight": 1, "payload": {"type": "string", "value": ""}}
    inside = {**strategy(own), "constraints": [{"contextName": "tier", "operator": "IN", "values": ["pro"]}]}
    both = flags(inside, strategy(), variants=several("general"))
    assert both.variant("f", {"properties": {"tier": "pro"}}).payload == Payload("string", "")
    assert name_for(both, userId="7") == "general"


def test_the_first_strategy_that_lets_in_gives_the_variant(flags):
    """A strategy without variants that comes first leaves it to the feature's."""
    assert name_for(flags({"name": "default"}, strategy(*several("own")), variants=several("general"))) == "general"
    assert name_for(flags(strategy(*several("own")), {"name": "default"}, variants=several("general"))) == "own"


def test_variants_of_a_strategy_stick_as_it_does(flags):
    """They use the strategy's group and stickiness, whatever else they say."""
    users = [str(number) for number in range(100)]
    by_company = flags(strategy(*several("a", "b", stickiness="userId"), stickiness="company"))
    one = {name_for(by_company, userId=user, properties={"company": "acme"}) for user in users}
    assert len(one) == 1
    ways = [
        [name_for(flags(strategy(*several("a", "b"), groupId=group)), userId=user) for user in users]
        for group in ("trial", "trial", "other")
    ]
    assert ways[0] == ways[1] != ways[2]


@pytest.mark.parametrize(
    "odd",
    [
        "a",
        {"weight": 1},
        {"name": "a", "weight": "heavy"},
        {"name": "a", "weight": 1, "payload": "x"},
        {"name": "a", "weight": 1, "payload": {"type": "picture", "value": "x"}},
        {"name": "a", "weight": 1, "overrides": [{"values": ["7"]}]},
    ],
)
def test_odd_variants_of_a_feature_are_left_out_and_told(flags, odd):
    """The feature stays on without variants."""
    found = flags(variants=[odd])
    assert found.variant("f").feature_enabled
    assert not found.variant("f").enabled
    assert [(problem.flag, problem.rule) for problem in found.problems] == [("f", "variants")]


def feature(name, *, enabled=True, **parts):
    return {"name": name, "enabled": enabled, "strategies": [], **parts}


PARENTS = [
    feature("on"),
    feature("off", enabled=False),
    feature("blue", variants=several("blue")),
    feature("deep", dependencies=[{"feature": "on"}]),
    feature("for 7", strategies=[{"name": "userWithId", "parameters": {"userIds": "7"}}]),
]


@pytest.mark.parametrize(
    ("dependencies", "is_on"),
    [
        ([{"feature": "on"}], True),
        ([{"feature": "on", "enabled": True}], True),
        ([{"feature": "on", "enabled": False}], False),
        ([{"feature": "off"}], False),
        ([{"feature": "off", "enabled": False}], True),
        ([{"feature": "on"}, {"feature": "off", "enabled": False}], True),
        ([{"feature": "on"}, {"feature": "off"}], False),
        ([{"feature": "blue", "variants": ["blue"]}], True),
        ([{"feature": "blue", "variants": ["red", "blue"]}], True),
        ([{"feature": "blue", "variants": []}], True),
        ([{"feature": "blue", "variants": ["red"]}], False),
        ([{"feature": "on", "variants": ["disabled"]}], True),
        ([{"feature": "off", "variants": ["disabled"]}], False),
        ([{"feature": "for 7"}], True),
        ([{"feature": "for 7", "enabled": False}], False),
        ([{"feature": "deep"}], False),
        ([{"feature": "child"}], False),
        ([{"feature": "gone"}], False),
        ([{"feature": "gone", "enabled": False}], False),
        (["on"], False),
        ([{"feature": "on", "variants": [5]}], False),
    ],
)
def test_dependencies(dependencies, is_on):
    """A child is on only where every parent is as it should be, for the child's own context."""
    child = feature("child", dependencies=dependencies, variants=several("own"))
    flags = load({"features": [child, *PARENTS]})
    assert flags.is_enabled("child", {"userId": "7"}) is is_on
    assert flags.variant("child", {"userId": "7"}).name == ("own" if is_on else "disabled")
