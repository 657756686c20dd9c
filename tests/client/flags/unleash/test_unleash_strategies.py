"""Unleash's strategies let in whom they let in there, with the bucket that they had there."""

import socket

import pytest

ROLLOUT = {"rollout": "40", "stickiness": "userId", "groupId": "checkout"}


def rollout(**parameters):
    return {"name": "flexibleRollout", "parameters": {**ROLLOUT, **parameters}}


def gradual(kind, **parameters):
    return {"name": f"gradualRollout{kind}", "parameters": {"percentage": "40", "groupId": "checkout", **parameters}}


def test_feature_without_strategies_is_on(flags):
    """An enabled feature that has no strategies is on for everybody."""
    assert flags().is_enabled("f")


def test_feature_that_is_not_enabled_is_off(flags):
    """A feature that is not enabled is off, whatever its strategies say."""
    assert not flags({"name": "default"}, enabled=False).is_enabled("f")


def test_unknown_feature_is_off(flags):
    """A feature that the document does not have is off, and has no variant."""
    found = flags().variant("another")
    assert not flags().is_enabled("another")
    assert (found.name, found.enabled, found.payload, found.feature_enabled) == ("disabled", False, None, False)


def test_any_strategy_is_enough(flags):
    """One strategy that lets a context in turns the feature on."""
    both = flags({"name": "userWithId", "parameters": {"userIds": "7"}}, {"name": "unheard-of"}, {"name": "default"})
    assert both.is_enabled("f", {"userId": "8"})


@pytest.mark.parametrize(("user", "is_in"), [("7", True), ("12", True), ("1", False), ("", False), (None, False)])
def test_user_with_id(flags, user, is_in):
    """The listed users are in; blanks around the commas and empty places do not matter."""
    for listed in ("7 , 12,9", "7,12,,9,", " ,7,12"):
        found = flags({"name": "userWithId", "parameters": {"userIds": listed}})
        assert found.is_enabled("f", {"userId": user}) is is_in


@pytest.mark.parametrize(
    ("name", "parameter", "field"),
    [
        ("userWithId", "userIds", "userId"),
        ("remoteAddress", "IPs", "remoteAddress"),
        ("applicationHostname", "hostNames", "hostname"),
    ],
)
@pytest.mark.parametrize("listed", ["", ",", "x,", " , "])
def test_an_empty_place_in_a_list_lets_nobody_in(flags, name, parameter, field, listed):
    """A comma at the end names no user without an id, and no host without a name."""
    found = flags({"name": name, "parameters": {parameter: listed}})
    assert not found.is_enabled("f", {field: "", "properties": {field: ""}})
    assert not found.is_enabled("f", {})


@pytest.mark.parametrize(
    ("address", "is_in"),
    [("10.0.0.9", True), ("10.1.0.9", False), ("192.0.2.1", True), ("2001:db8::5", True), ("nowhere", False)],
)
def test_remote_address(flags, address, is_in):
    """Addresses and networks of both families are in; what is no address lets nobody in and spoils nothing."""
    listed = flags({"name": "remoteAddress", "parameters": {"IPs": "10.0.0.0/24, 300.1.1.1,192.0.2.1,2001:db8::/32"}})
    assert listed.is_enabled("f", {"remoteAddress": address}) is is_in
    assert listed.problems == ()


def test_remote_address_without_any_address(flags):
    """A list of nonsense lets nobody in."""
    assert not flags({"name": "remoteAddress", "parameters": {"IPs": "here"}}).is_enabled("f", {"remoteAddress": "::1"})


def test_application_hostname(flags):
    """The host that runs this is compared with the listed ones, in whatever case."""
    listed = {"hostNames": f"other.example, {socket.gethostname().upper()}"}
    assert flags({"name": "applicationHostname", "parameters": listed}).is_enabled("f")
    assert not flags({"name": "applicationHostname", "parameters": {"hostNames": "other.example"}}).is_enabled("f")
    assert not flags({"name": "applicationHostname"}).is_enabled("f")


# Buckets (1 to 100) that Unleash gives these keys in group `checkout`.
BUCKETS = [("anna", 16), ("ben", 67), ("carla", 23), ("7", 63), ("Жанна", 81)]


@pytest.mark.parametrize(("user", "place"), BUCKETS)
@pytest.mark.parametrize("build", [lambda p: rollout(rollout=p), lambda p: gradual("UserId", percentage=p)])
def test_users_keep_their_bucket(flags, user, place, build):
    """A user is in from the percentage on that Unleash has put them at, and out below it."""
    at = [flags(build(str(percent))).is_enabled("f", {"userId": user}) for percent in (0, place - 1, place, 100)]
    assert at == [False, False, True, True]


@pytest.mark.parametrize(
    ("strategy", "context", "is_in"),
    [
        (rollout(rollout="100"), {}, False),
        (rollout(rollout="100"), {"sessionId": "s"}, False),
        (rollout(rollout="100", stickiness="default"), {}, True),
        (rollout(rollout="0", stickiness="default"), {}, False),
        (rollout(rollout="100", stickiness="random"), {}, True),
        (rollout(rollout="100", stickiness="company"), {"properties": {"company": "acme"}}, True),
        (rollout(rollout="100", stickiness="company"), {"userId": "7"}, False),
        (gradual("UserId", percentage="100"), {"sessionId": "s"}, False),
        (gradual("SessionId", percentage="100"), {"sessionId": "s"}, True),
        (gradual("SessionId", percentage="100"), {"userId": "7"}, False),
        (gradual("Random", percentage="100"), {}, True),
        (gradual("Random", percentage="0"), {"userId": "7"}, False),
    ],
)
def test_what_a_percentage_sticks_to(flags, strategy, context, is_in):
    """A key that is missing keeps somebody out, at 100 % too, except where chance decides then."""
    assert flags(strategy).is_enabled("f", context) is is_in


def test_default_stickiness_is_user_then_session(flags):
    """With the default, the user comes before the session, and the session stands in for a missing user."""
    by_default = flags(rollout(rollout="45", stickiness="default"))
    assert by_default.is_enabled("f", {"userId": "anna", "sessionId": "7"})
    assert by_default.is_enabled("f", {"sessionId": "anna"})
    assert not by_default.is_enabled("f", {"userId": "7", "sessionId": "anna"})


def test_group_defaults_to_the_feature(flags):
    """Without a group the feature's name is the group, so two features ramp over different users."""
    without = {"name": "flexibleRollout", "parameters": {"rollout": "40", "stickiness": "userId"}}
    named = {"name": "flexibleRollout", "parameters": {"rollout": "40", "stickiness": "userId", "groupId": "f"}}
    users = [str(number) for number in range(200)]
    ways = [[flags(one).is_enabled("f", {"userId": user}) for user in users] for one in (without, named, rollout())]
    assert ways[0] == ways[1] != ways[2]


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ({"name": "ourOwn"}, "'ourOwn'"),
        ({}, "None"),
        ("default", "strategies: is an object"),
        ({"name": "userWithId"}, "userIds: is missing"),
        ({"name": "remoteAddress", "parameters": {}}, "IPs: is missing"),
        ({"name": "default", "parameters": "all"}, "parameters: is an object"),
        ({"name": "flexibleRollout"}, "rollout: is a whole number"),
        (rollout(rollout="33.3"), "rollout: is a whole number"),
        (rollout(rollout="101"), "rollout: is a whole number"),
        (rollout(rollout=None), "rollout: is a whole number"),
        (rollout(groupId=""), "groupId: is empty"),
        (rollout(stickiness=""), "stickiness: is empty"),
        (gradual("UserId", groupId=""), "groupId: is missing"),
        (gradual("Random", percentage="half"), "percentage: is a whole number"),
        ({"name": "default", "segments": [9]}, "segments: there is none with the number 9"),
        ({"name": "default", "segments": 9}, "segments: is a list"),
        ({"name": "default", "constraints": {}}, "constraints: is a list"),
        ({"name": "default", "variants": [{"name": "a", "weight": -1}]}, "weight"),
        ({"name": "default", "title": 5}, "name: is text"),
    ],
)
def test_a_strategy_that_cannot_be_followed_is_off_and_told(flags, strategy, message):
    """It lets nobody in and is listed, named by its place; the feature's other strategies still decide."""
    alone = flags(strategy)
    assert not alone.is_enabled("f", {"userId": "7"})
    (problem,) = alone.problems
    assert problem.flag == "f"
    assert problem.rule.startswith("strategy 1")
    assert message in problem.message
    assert flags(strategy, {"name": "default"}).is_enabled("f")
