"""Unleash's constraints hold for what they hold for there."""

import pytest


def one(operator, *values, field="mark", **options):
    """A constraint; those that compare with one thing name it `value`, as Unleash does."""
    if operator in {"IN", "NOT_IN", "IN_CIDR"} or operator.startswith("STR_"):
        return {"contextName": field, "operator": operator, "values": list(values), **options}
    return {"contextName": field, "operator": operator, "value": values[0], **options}


def of(value):
    return {"properties": {"mark": value}}


@pytest.mark.parametrize(
    ("constraint", "holds_for", "not_for"),
    [
        (one("IN", "a", "b"), ["a", "b"], ["A", "c", "", None]),
        (one("NOT_IN", "a"), ["A", "b", None], ["a"]),
        (one("IN"), [], ["a", None]),
        (one("NOT_IN"), ["a", None], []),
        (one("STR_STARTS_WITH", "pre", "Up"), ["prefix", "Upper"], ["upper", "xpre", None]),
        (one("STR_ENDS_WITH", "@x.org"), ["me@x.org"], ["me@X.ORG", None]),
        (one("STR_CONTAINS", "mid", "dle"), ["amid", "middle"], ["m i d", None]),
        (one("NUM_EQ", "12.0"), ["12", "12.00", 12], ["12.5", "twelve", None]),
        (one("NUM_GT", "5"), ["6", "5.01"], ["5", "-6"]),
        (one("NUM_GTE", "5"), ["5"], ["4.99"]),
        (one("NUM_LT", "5"), ["4.99"], ["5"]),
        (one("NUM_LTE", "5"), ["5"], ["5.01"]),
        (one("SEMVER_EQ", "1.2.3"), ["1.2.3"], ["1.2.3-rc.1", "1.2", "v1.2.3", 1, None]),
        (one("SEMVER_GT", "2.0.0-rc.1"), ["2.0.0", "2.0.0-rc.2"], ["2.0.0-beta", "2.0.0-rc.1"]),
        (one("SEMVER_GTE", "1.2.3"), ["1.2.3", "1.10.0"], ["1.2.2"]),
        (one("SEMVER_LT", "1.10.0"), ["1.9.9"], ["1.10.0"]),
        (one("SEMVER_LTE", "1.10.0"), ["1.10.0"], ["1.10.1"]),
        (
            one("DATE_AFTER", "2026-03-01T12:00:00+01:00"),
            ["2026-03-01T11:00:01Z"],
            ["2026-03-01T11:00:00Z", "soon", "1795392000", 1795392000000],
        ),
        (one("DATE_BEFORE", "2026-03-01T12:00:00Z"), ["2026-03-01T12:30:00+01:00"], ["2026-03-01T12:00:00Z"]),
        (one("REGEX", "^a[0-9]{2}"), ["a12", "a123"], ["A12", "ba12", None]),
        (one("IN_CIDR", "10.0.0.0/8", "2001:db8::1"), ["10.9.9.9", "2001:db8::1"], ["11.0.0.1", "2001:db8::2", None]),
        (one("IN_CIDR", "not a network", "10.0.0.7"), ["10.0.0.7"], ["10.0.0.8"]),
        (one("IN_CIDR", "not a network"), [], ["10.0.0.7", None]),
    ],
)
def test_operators(is_on, constraint, holds_for, not_for):
    """Each operator holds for these values and not for those; inverted, it is the other way round."""
    for value, wanted in [(each, True) for each in holds_for] + [(each, False) for each in not_for]:
        assert is_on(of(value), constraint) is wanted, value
        assert is_on(of(value), {**constraint, "inverted": True}) is not wanted, value


@pytest.mark.parametrize(
    ("operator", "value", "given"),
    [
        ("IN", "Pro", "pRO"),
        ("STR_STARTS_WITH", "Pro", "pROfessional"),
        ("STR_ENDS_WITH", "Pro", "goPRO"),
        ("STR_CONTAINS", "Pro", "aPROn"),
        ("REGEX", "^Pro$", "pRO"),
    ],
)
def test_case(is_on, operator, value, given):
    """Case counts unless the constraint says otherwise."""
    assert not is_on(of(given), one(operator, value))
    assert is_on(of(given), one(operator, value, caseInsensitive=True))


def test_a_letter_of_two_cases_stays_one_letter(is_on):
    """Ignoring case lowers letters and does no more: ß is not ss, as in Unleash."""
    sharp = one("STR_CONTAINS", "straße", caseInsensitive=True)
    assert is_on(of("Hauptstraße"), sharp)
    assert not is_on(of("HAUPTSTRASSE"), sharp)


@pytest.mark.parametrize(
    "field", ["userId", "sessionId", "remoteAddress", "environment", "appName", "tier", "hostname", "user_id"]
)
def test_fields(is_on, field):
    """Every field of the context can be asked, those that Unleash knows and those in `properties`."""
    known = {"userId", "sessionId", "remoteAddress", "environment", "appName"}
    context = {field: "x"} if field in known else {"properties": {field: "x"}}
    assert is_on(context, one("IN", "x", field=field))
    assert not is_on({}, one("IN", "x", field=field))


@pytest.mark.parametrize(("ours", "theirs"), [("user_id", "userId"), ("app_name", "appName")])
def test_a_property_named_like_a_field_of_ours_is_another_field(is_on, ours, theirs):
    """A property `user_id` is not the user: Unleash tells the two apart."""
    assert not is_on({theirs: "x"}, one("IN", "x", field=ours))
    assert not is_on({"properties": {ours: "x"}}, one("IN", "x", field=theirs))


def test_property_stands_in_for_a_missing_field(is_on):
    """A known field that stands among the properties is found there; the field itself comes first."""
    constraint = one("IN", "web", field="appName")
    assert is_on({"properties": {"appName": "web"}}, constraint)
    assert not is_on({"appName": "api", "properties": {"appName": "web"}}, constraint)


def test_current_time_is_now_when_absent(is_on):
    """A constraint on the time uses the clock where the context names none."""
    past, future = "2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z"
    assert is_on({}, one("DATE_AFTER", past, field="currentTime"), one("DATE_BEFORE", future, field="currentTime"))
    assert not is_on({"currentTime": "2019-01-01T00:00:00Z"}, one("DATE_AFTER", past, field="currentTime"))


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (one("CLOSE_TO", "x"), "operator: Unleash has none"),
        (one("CIDR", "10.0.0.0/8"), "operator: Unleash has none"),
        ({"contextName": "mark", "operator": "NUM_EQ"}, "value: NUM_EQ compares with exactly one"),
        (one("NUM_EQ", "many"), "values"),
        (one("SEMVER_EQ", "v1.0.0"), "values"),
        (one("DATE_AFTER", "tomorrow"), "values"),
        (one("REGEX", "("), "values"),
        (one("REGEX", "^(?=look)"), "values"),
        (one("STR_CONTAINS"), "values"),
        ({"operator": "IN", "values": ["x"]}, "contextName: is text"),
        ({"contextName": "mark", "operator": "IN", "values": "x"}, "values: is a list"),
        ({"contextName": "mark", "operator": ["IN"], "values": ["x"]}, "operator"),
        ("mark is x", "constraints: is an object"),
    ],
)
def test_a_constraint_that_cannot_be_followed_turns_its_strategy_off(flags, constraint, message):
    """It holds for nobody, inverted neither, and is listed."""
    variants = [constraint, {**constraint, "inverted": True}] if isinstance(constraint, dict) else [constraint]
    for each in variants:
        found = flags({"name": "default", "constraints": [each]})
        assert not found.is_enabled("f", of("x"))
        assert [message in problem.message for problem in found.problems] == [True]


def test_strategy_needs_all_of_its_constraints_and_segments(flags):
    """One constraint or one segment that does not hold is enough to keep somebody out."""
    segments = [
        {"id": 1, "name": "web", "constraints": [one("IN", "web", field="appName")]},
        {"id": 2, "constraints": [one("NUM_GT", "17", field="age"), one("IN", "DE", field="country")]},
        {"id": 3, "name": "all"},
    ]
    found = flags(
        {"name": "default", "constraints": [one("IN", "pro", field="tier")], "segments": [1, 2, 3]}, segments=segments
    )
    good = {"tier": "pro", "age": "18", "country": "DE"}
    assert found.is_enabled("f", {"appName": "web", "properties": good})
    assert not found.is_enabled("f", {"appName": "api", "properties": good})
    for name in good:
        assert not found.is_enabled("f", {"appName": "web", "properties": {**good, name: "0"}})


def test_segment_that_cannot_be_followed_is_missing(flags):
    """Strategies that use it are off, and the segment is listed."""
    broken = [{"id": 4, "name": "odd", "constraints": [one("CLOSE_TO", "x")]}]
    found = flags({"name": "default", "segments": [4]}, segments=broken)
    assert not found.is_enabled("f")
    assert [(problem.flag, problem.rule) for problem in found.problems] == [
        ("", "segment odd"),
        ("f", "strategy 1 (default)"),
    ]


@pytest.mark.parametrize(
    "context",
    [
        {"userId": 7, "properties": None},
        {"userId": object(), "properties": [1, 2]},
        {"properties": {1: "x", "mark": float("nan")}},
        {"currentTime": 5, "remoteAddress": b"x", "properties": {"mark": "\ud800"}},
    ],
)
def test_odd_contexts_do_not_raise(flags, context):
    """Whatever a context holds, there is an answer."""
    found = flags(
        {"name": "default", "constraints": [one("NUM_GT", "5"), one("REGEX", "a")]},
        {"name": "flexibleRollout", "parameters": {"rollout": "50", "stickiness": "userId"}},
    )
    assert found.is_enabled("f", context) in {True, False}
