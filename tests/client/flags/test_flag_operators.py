"""Each operator on one value: what holds, what does not, and what is refused when it is defined."""

from datetime import UTC, date, datetime
from enum import Enum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.errors import InvalidInput
from ops_client.flags.conditions import constraint_matcher
from ops_client.flags.context import text
from ops_client.flags.operators import OPERATORS
from ops_client.flags.rules import Constraint

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

CASES = [
    ("IN", ("pro", "free"), "pro", "creator"),
    ("NOT_IN", ("pro", "free"), "creator", "pro"),
    ("STR_STARTS_WITH", ("ab", "cd"), "cde", "xab"),
    ("STR_ENDS_WITH", ("@example.org",), "a@example.org", "a@example.com"),
    ("STR_CONTAINS", ("cast",), "podcasts", "pod"),
    ("NUM_EQ", ("10",), "10.0", "10.01"),
    ("NUM_GT", ("10",), 11, 10),
    ("NUM_GTE", ("10",), 10, 9.99),
    ("NUM_LT", ("10",), "9", "10"),
    ("NUM_LTE", ("10",), 10, "10.1"),
    ("DATE_AFTER", ("2026-01-01T00:00:00Z",), "2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"),
    ("DATE_BEFORE", ("2026-01-01T00:00:00Z",), datetime(2025, 12, 31), NOON),
    ("SEMVER_EQ", ("2.1.0",), "2.1.0", "2.1.1"),
    ("SEMVER_GT", ("2.9.0",), "2.10.0", "2.9.0-rc.1"),
    ("SEMVER_GTE", ("2.9.0",), "2.9.0", "2.8.9"),
    ("SEMVER_LT", ("2.9.0",), "2.9.0-rc.1", "2.10.0"),
    ("SEMVER_LTE", ("2.9.0",), "2.9.0", "2.9.1"),
    ("REGEX", (r"^ep-\d+$", "^x"), "ep-42", "ep-"),
    ("CIDR", ("10.0.0.0/8", "2001:db8::/32"), "::ffff:10.1.2.3", "11.0.0.1"),
]


def holds(constraint: Constraint, context: dict) -> bool:
    return constraint_matcher(constraint, lambda: NOON)(context)


def test_every_operator_is_covered():
    """The cases below leave no operator out."""
    assert {case[0] for case in CASES} == set(OPERATORS)


@pytest.mark.parametrize(("operator", "values", "inside", "outside"), CASES)
def test_operator(operator, values, inside, outside):
    """An operator holds for a value inside, and not for one outside."""
    constraint = Constraint("field", operator, values)
    assert holds(constraint, {"field": inside}) is True
    assert holds(constraint, {"field": outside}) is False


@pytest.mark.parametrize(("operator", "values", "inside", "outside"), CASES)
def test_inverted(operator, values, inside, outside):
    """Inverted, each answer is turned round."""
    constraint = Constraint("field", operator, values, inverted=True)
    assert holds(constraint, {"field": inside}) is False
    assert holds(constraint, {"field": outside}) is True


@pytest.mark.parametrize("operator", ["IN", "STR_STARTS_WITH", "STR_ENDS_WITH", "STR_CONTAINS", "REGEX"])
def test_case_insensitive(operator):
    """Operators on text disregard case when told to, on both sides."""
    assert holds(Constraint("field", operator, ("Straße",), case_insensitive=True), {"field": "STRAßE"})
    assert not holds(Constraint("field", operator, ("Straße",)), {"field": "STRAßE"})


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name != "NOT_IN"])
def test_missing_field(operator):
    """A missing field holds for nothing."""
    values = next(case[1] for case in CASES if case[0] == operator)
    assert holds(Constraint("field", operator, values), {}) is False


def test_missing_field_is_not_in_a_list():
    """A missing field is in no list, so NOT_IN holds."""
    assert holds(Constraint("field", "NOT_IN", ("pro",)), {}) is True


@pytest.mark.parametrize("value", [["x", "editors"], ("editors",), {"editors"}, frozenset({"editors"})])
def test_any_of_several_values(value):
    """A field with several values holds when one of them does."""
    assert holds(Constraint("groups", "IN", ("editors",)), {"groups": value})


def test_none_of_several_values():
    """NOT_IN of a field with several values holds when none of them is in the list."""
    constraint = Constraint("groups", "NOT_IN", ("editors",))
    assert not holds(constraint, {"groups": ["x", "editors"]})
    assert holds(constraint, {"groups": ["x"]})


def test_current_time_is_now_when_absent():
    """A constraint on current_time uses the clock where the context has none."""
    constraint = Constraint("current_time", "DATE_AFTER", ("2026-11-23T11:59:59Z",))
    assert holds(constraint, {})
    assert not holds(constraint, {"current_time": "2026-11-23T11:00:00Z"})


@pytest.mark.parametrize(
    ("operator", "values"),
    [
        ("NEARLY", ("1",)),
        ("NUM_GT", ("many",)),
        ("NUM_GT", ("1", "2")),
        ("NUM_GT", ("NaN",)),
        ("DATE_AFTER", ("tomorrow",)),
        ("SEMVER_EQ", ("2.1.0.1",)),
        ("SEMVER_EQ", ("version 2",)),
        ("DATE_AFTER", ("2026-13-01",)),
        ("REGEX", ("(",)),
        ("REGEX", ("(?=look)",)),
        ("CIDR", ("10.0.0.0/33",)),
        ("STR_CONTAINS", ()),
    ],
)
def test_senseless_constraint_is_refused(operator, values):
    """A constraint that can mean nothing is refused when it is defined, naming the field."""
    with pytest.raises(InvalidInput) as caught:
        constraint_matcher(Constraint("field", operator, values), lambda: NOON)
    assert caught.value.field in {"operator", "values"}


@pytest.mark.parametrize(
    "written", ["2.0.0", "v2.0.0", "V2.0.0", "2.0", "v2.0", "2", "v2", 2, 2.0, "2.0.0+build.7", "2.0+build"]
)
def test_versions_as_callers_send_them(written):
    """A leading v is ignored and missing parts are 0, in the context and in the rule."""
    assert holds(Constraint("field", "SEMVER_EQ", ("2.0.0",)), {"field": written})
    assert holds(Constraint("field", "SEMVER_EQ", (text(written),)), {"field": "2.0.0"})
    assert holds(Constraint("field", "SEMVER_GT", ("v1.9",)), {"field": written})
    assert not holds(Constraint("field", "SEMVER_LT", ("2",)), {"field": written})


@pytest.mark.parametrize("written", ["", "v", "vv2", "2.", "2.0.0.0", "02.0", "2.x", "two", " 2.0.0", "2.0.0-", "v 2"])
def test_what_is_no_version_holds_for_nothing(written):
    """It is neither before nor after any version."""
    for operator in ("SEMVER_EQ", "SEMVER_LT", "SEMVER_GTE"):
        assert not holds(Constraint("field", operator, ("2.0.0",)), {"field": written})


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-23",
        "2026-11-23T00:00",
        "2026-11-23 00:00:00",
        "2026-11-23T01:00:00+01:00",
        "2026-11-23T00:00:00.000Z",
        date(2026, 11, 23),
        datetime(2026, 11, 23, tzinfo=UTC),
        1795392000,
        1795392000.0,
        "1795392000",
        "1795392000.000",
        1795392000000,
        "1795392000000",
    ],
)
def test_times_as_callers_send_them(written):
    """A date is its beginning in UTC; a number counts seconds since 1970, from twelve digits on milliseconds."""
    before, same, after = "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-23T00:00:01Z"
    answers = [holds(Constraint("field", "DATE_AFTER", (each,)), {"field": written}) for each in (before, same, after)]
    assert answers == [True, False, False]
    answers = [holds(Constraint("field", "DATE_BEFORE", (each,)), {"field": written}) for each in (before, same, after)]
    assert answers == [False, False, True]
    assert holds(Constraint("field", "DATE_AFTER", (text(written),)), {"field": after})


@pytest.mark.parametrize("written", ["-1795392000", "123456789.5"])
def test_times_long_ago(written):
    """Nine digits and more count as seconds, before 1970 too."""
    assert holds(Constraint("field", "DATE_BEFORE", ("2026-01-01",)), {"field": written})


@pytest.mark.parametrize(
    "written", ["", "12345", "9" * 30, "99999999999999999", "1e9", "soon", "2026-02-30", "nan", "inf"]
)
def test_what_is_no_time_holds_for_nothing(written):
    """It is neither before nor after any time."""
    for operator in ("DATE_AFTER", "DATE_BEFORE"):
        assert not holds(Constraint("field", operator, ("2026-01-01",)), {"field": written})


@pytest.mark.parametrize(
    ("operator", "limit", "written"),
    [
        ("SEMVER_GTE", "1.0.0", "v2.0.0"),
        ("SEMVER_GTE", "1.0.0", "2.0"),
        ("SEMVER_GTE", "1.0.0", "2"),
        ("DATE_AFTER", "2026-01-01T00:00:00Z", "1795392000"),
        ("DATE_AFTER", "2026-01-01T00:00:00Z", 1795392000000),
    ],
)
def test_strict_constraints_read_the_standard_alone(operator, limit, written):
    """What comes from Unleash is strict: it holds for no more than it did there."""
    assert holds(Constraint("field", operator, (limit,)), {"field": written})
    assert not holds(Constraint("field", operator, (limit,), strict=True), {"field": written})
    with pytest.raises(InvalidInput):
        constraint_matcher(Constraint("field", operator, (text(written),), strict=True), lambda: NOON)


@pytest.mark.parametrize(
    ("pattern", "reason"), [("(a", "missing ): (a"), ("^(?=b)", "invalid perl operator: (?="), ("\ud800", "half a")]
)
def test_pattern_is_refused_in_words(pattern, reason):
    """What is wrong with a pattern is told as text that people can read."""
    with pytest.raises(InvalidInput) as caught:
        constraint_matcher(Constraint("field", "REGEX", (pattern,)), lambda: NOON)
    assert caught.value.message.startswith(f"values: is not a pattern that RE2 can read: {reason}")


def test_regex_does_not_backtrack():
    """A pattern that would try 2^100,000 ways elsewhere answers."""
    assert holds(Constraint("field", "REGEX", ("^(a+)+$",)), {"field": "a" * 100_000 + "!"}) is False


nested = st.recursive(
    st.sampled_from(["a", "a|a", "[ab]", "a?"]),
    lambda inner: (
        st.builds("({}){}".format, inner, st.sampled_from(["*", "+", "?", "{1,3}"]))
        | st.builds("({})({})".format, inner, inner)
    ),
    max_leaves=4,
)


@given(nested)
def test_no_pattern_backtracks(pattern):
    """Repetitions in repetitions, which take others longer than the universe lasts, answer on 20,000 characters."""
    assert holds(Constraint("field", "REGEX", (f"^({pattern})*!$",)), {"field": "a" * 20_000}) is False


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)b", "(?<!a)b", "(?>a*)b", "a*+b"])
def test_patterns_that_only_backtracking_follows_are_refused(pattern):
    """What no engine follows in linear time (back-references, looking around) is refused when it is defined."""
    with pytest.raises(InvalidInput):
        constraint_matcher(Constraint("field", "REGEX", (pattern,)), lambda: NOON)


@given(st.sampled_from([case for case in CASES if case[0] != "NOT_IN"]), st.booleans(), st.text(max_size=5))
def test_inverting_turns_every_answer_round(case, case_insensitive, value):
    """Whatever the operator, the case rule and the value, an inverted constraint says the opposite."""
    operator, values, *_ = case
    plain, inverted = (Constraint("field", operator, values, each, case_insensitive) for each in (False, True))
    for context in ({"field": value}, {"field": case[2]}, {}):
        assert holds(plain, context) is not holds(inverted, context)


class Tier(Enum):
    PRO = "pro"


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (True, "true"),
        (7, "7"),
        (Tier.PRO, "pro"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (NOON, "2026-11-23T12:00:00+00:00"),
    ],
)
def test_spelling(value, spelled):
    """Values of a context are compared in the spelling that rules are written in."""
    assert text(value) == spelled
