"""Who a flag lets in."""

import random
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import mmh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops_client.flags.buckets import BUCKETS, bucket
from ops_client.flags.evaluate import evaluate
from ops_client.flags.operators import OPERATORS
from ops_client.flags.rules import Constraint, FlagDefinition, Rule, Schedule, Segment
from tests.client.flags.strategies import SAMPLE, Hostile, values

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PRO = Constraint("tier", "IN", ("pro",))

percents = st.decimals(min_value=0, max_value=100, places=2)


def is_on(flag: FlagDefinition, context, **options) -> bool:
    return evaluate(flag, context, NOON, **options)


def ramp(percent, **options) -> FlagDefinition:
    return FlagDefinition("new-editor", rules=(Rule(percent=Decimal(percent), **options),))


def test_flag_without_rules_is_off():
    """With nobody named, nobody is let in."""
    assert is_on(FlagDefinition("a"), {"user_id": "1"}) is False


@pytest.mark.parametrize("everyone", [True, False])
def test_everyone_wins(everyone):
    """`everyone` settles it, whatever the rules say: no is the kill switch."""
    rule = Rule(percent=Decimal(0 if everyone else 100))
    assert is_on(FlagDefinition("a", everyone=everyone, rules=(rule,)), {"user_id": "1"}) is everyone


@pytest.mark.parametrize("default", [True, False])
def test_archived_flag_answers_the_default(default):
    """An archived flag answers the default, even one that was on for everyone."""
    assert is_on(FlagDefinition("a", everyone=not default, archived=True), {}, default=default) is default


def test_any_rule_lets_in():
    """One rule that holds is enough."""
    flag = FlagDefinition(
        "a", rules=(Rule(constraints=(PRO,)), Rule(constraints=(Constraint("staff", "IN", ("true",)),)))
    )
    assert is_on(flag, {"tier": "free", "staff": True})
    assert not is_on(flag, {"tier": "free", "staff": False})


def test_all_constraints_of_a_rule_hold():
    """A rule needs every one of its constraints."""
    country = Constraint("country", "IN", ("DE",))
    flag = FlagDefinition("a", rules=(Rule(constraints=(PRO, country, Constraint("x", "NOT_IN", ("1",)))),))
    assert is_on(flag, {"tier": "pro", "country": "DE"})
    assert not is_on(flag, {"tier": "pro", "country": "FR"})


def test_segment():
    """A segment's constraints are the rule's own."""
    flag = FlagDefinition("a", rules=(Rule(segments=("paying",)),))
    segments = {"paying": Segment("paying", (PRO,))}
    assert is_on(flag, {"tier": "pro"}, segments=segments)
    assert not is_on(flag, {"tier": "free"}, segments=segments)


def test_missing_segment_lets_nobody_in():
    """A rule whose segment is gone does not match."""
    assert not is_on(FlagDefinition("a", rules=(Rule(segments=("gone",)),)), {"tier": "pro"})


def test_unknown_normaliser_lets_nobody_in():
    """A rule with a normaliser of a newer version is off."""
    assert not is_on(ramp(50, normaliser="sha512"), {"user_id": "1"})


def test_bucket_is_murmur3():
    """The bucket is murmur3 x86 32 of group:key, seed 0, modulo 10,000: fixed for ever."""
    assert bucket("new-editor", "user-1") == mmh3.hash("new-editor:user-1", 0, signed=False) % BUCKETS
    assert [bucket("a", "1"), bucket("a", "2"), bucket("b", "1")] == [4293, 8988, 6967]


def test_bucket_of_broken_text():
    """A key that is not valid Unicode has a bucket like any other."""
    assert 0 <= bucket("a", "\ud800") < BUCKETS


def test_full_rollout_needs_no_key():
    """At 100 % everyone is in, with or without a key; below, one without a key is out."""
    assert is_on(ramp(100), {})
    assert not is_on(ramp("99.99"), {})
    assert not is_on(ramp("99.99"), {"user_id": ""})


@pytest.mark.parametrize("field", ["session_id", "account"])
def test_sticks_to_any_field(field):
    """The sticky key is the field that the rule names."""
    keys = [str(number) for number in range(200)]
    flag = ramp(50, stickiness=field)
    assert [is_on(flag, {field: key}) for key in keys] == [bucket("new-editor", key) < 5000 for key in keys]


def test_number_and_text_share_a_bucket():
    """A key is the same user whether it comes as a number or as text."""
    flag = ramp(50)
    assert all(is_on(flag, {"user_id": n}) == is_on(flag, {"user_id": str(n)}) for n in range(100))


def test_flags_of_one_group_ramp_together():
    """Two flags with one group let the same users in."""
    first = FlagDefinition("one", rules=(Rule(percent=Decimal(30), group="shared"),))
    second = FlagDefinition("two", rules=(Rule(percent=Decimal(30), group="shared"),))
    contexts = [{"user_id": str(n)} for n in range(300)]
    assert [is_on(first, each) for each in contexts] == [is_on(second, each) for each in contexts]


def test_random_stickiness_is_a_share():
    """A random rule lets in about its share, and no user in particular."""
    random.seed(1)
    flag = ramp(30, stickiness="random")
    assert 2_700 < sum(is_on(flag, {}) for _ in range(10_000)) < 3_300


@given(percents, percents, st.text())
def test_a_ramp_only_adds(first, second, key):
    """Who is in at a percentage is in at every higher one."""
    low, high = sorted((first, second))
    assert is_on(ramp(low), {"user_id": key}) <= is_on(ramp(high), {"user_id": key})


@given(percents, st.text(min_size=1))
def test_percentage_steps_are_exact(percent, key):
    """A percentage lets in exactly the buckets below it, in steps of 0.01."""
    assert is_on(ramp(percent), {"user_id": key}) is (bucket("new-editor", key) < percent * 100)


@given(st.text(min_size=1))
def test_percentage_ends_at_its_bucket(key):
    """The bucket that equals the percentage is the first one outside."""
    own = bucket("new-editor", key)
    assert not is_on(ramp(Decimal(own) / 100), {"user_id": key})
    assert is_on(ramp(Decimal(own + 1) / 100), {"user_id": key})


@pytest.mark.parametrize("group", ["new-editor", "a", "Überraschung"])
def test_buckets_are_uniform(group):
    """Sequential ids spread evenly: chi-square over 100 cells stays under the 99.9 % bound for 99 degrees."""
    cells = [0] * 100
    for number in range(20_000):
        cells[bucket(group, f"user-{number}") // 100] += 1
    assert sum((cell - 200) ** 2 / 200 for cell in cells) < 148.2


def test_unleash_bucket_is_theirs():
    """A rule out of Unleash lets in who stands at or below its percentage, of 100, counted from 1."""
    keys = [str(number) for number in range(500)]
    flag = ramp(37, normaliser="unleash", group="theirs")
    expected = [mmh3.hash(f"theirs:{key}", 0, signed=False) % 100 + 1 <= 37 for key in keys]
    assert [is_on(flag, {"user_id": key}) for key in keys] == expected


@pytest.mark.parametrize("percent", [0, 50, 100])
def test_unleash_needs_a_key(percent):
    """A rule out of Unleash lets in nobody without a key, not even at 100, and nobody at all at 0."""
    flag = ramp(percent, normaliser="unleash")
    assert not is_on(flag, {})
    assert is_on(flag, {"user_id": "1"}) is (percent == 100)


@pytest.mark.parametrize("normaliser", ["murmur3_10000", "unleash"])
def test_default_stickiness(normaliser):
    """`default` sticks to the user, else to the session, and leaves the rest to chance."""
    random.seed(1)
    flag, by_user = (ramp(50, normaliser=normaliser, stickiness=each) for each in ("default", "user_id"))
    keys = [str(number) for number in range(200)]
    expected = [is_on(by_user, {"user_id": key}) for key in keys]
    assert [is_on(flag, {"user_id": key, "session_id": "x", "default": "y"}) for key in keys] == expected
    assert [is_on(flag, {"session_id": key}) for key in keys] == expected
    assert 800 < sum(is_on(flag, {}) for _ in range(2_000)) < 1_200


@pytest.mark.parametrize(("percent", "expected"), [(0, {False}), (100, {True})])
def test_chance_has_ends(percent, expected):
    """By chance at 0 % is nobody, at 100 % everybody."""
    flag = ramp(percent, normaliser="unleash", stickiness="random")
    assert {is_on(flag, {}) for _ in range(200)} == expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(on_at=NOON), True),
        (Schedule(on_at=NOON + SECOND), False),
        (Schedule(off_at=NOON + SECOND), True),
        (Schedule(off_at=NOON), False),
        (Schedule(NOON, NOON + SECOND), True),
        (Schedule(NOON + SECOND, NOON + 2 * SECOND), False),
    ],
)
def test_schedule(schedule, expected):
    """A flag is off before its time, from its end on, and follows its rules in between."""
    assert is_on(FlagDefinition("a", rules=(Rule(),), schedule=schedule), {}) is expected
    assert is_on(FlagDefinition("a", rules=(), schedule=schedule), {}) is False


@pytest.mark.parametrize("everyone", [True, False])
def test_everyone_comes_before_the_schedule(everyone):
    """On and off for everyone ask no clock."""
    flag = FlagDefinition("a", everyone, (Rule(),), schedule=Schedule(off_at=NOON))
    assert is_on(flag, {}) is everyone


def test_host_is_this_one_when_absent():
    """A constraint on hostname uses this host's name where the context has none."""
    rule = Rule(constraints=(Constraint("hostname", "IN", (socket.gethostname(),)),))
    assert is_on(FlagDefinition("a", rules=(rule,)), {})
    assert not is_on(FlagDefinition("a", rules=(rule,)), {"hostname": "another"})


@given(st.sampled_from(sorted(OPERATORS)), st.booleans(), st.booleans(), values)
def test_never_raises(operator, inverted, case_insensitive, value):
    """Whatever a context holds, the answer is yes or no."""
    sample = tuple(SAMPLE.get(operator.split("_")[0], ["x"]))
    constraint = Constraint("field", operator, sample, inverted, case_insensitive)
    rules = (Rule(constraints=(constraint,)), Rule(percent=Decimal(50), stickiness="field"))
    assert is_on(FlagDefinition("a", rules=rules), {"field": value}) in {True, False}


@pytest.mark.parametrize("context", [None, 7, "text", []])
def test_context_that_is_none_is_off(context):
    """What is no context at all is let in nowhere, and raises nothing."""
    assert is_on(ramp(50), context) is False


def test_rule_that_trips_leaves_the_others():
    """A value that one rule trips over does not keep another rule from letting the context in."""
    rules = (Rule(constraints=(Constraint("odd", "NUM_GT", ("1",)),)), Rule(constraints=(PRO,)))
    assert is_on(FlagDefinition("a", rules=rules), {"odd": Hostile(), "tier": "pro"})
