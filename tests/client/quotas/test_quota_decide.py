"""What limit is in force, and whether a level lets a request through."""

from datetime import UTC, datetime, timedelta

import pytest

from ops_client.errors import InvalidInput
from ops_client.quotas.decide import (
    Kind,
    LimitInForce,
    Policy,
    Source,
    decide_level,
    decide_together,
    limit_in_force,
    valid_cost,
    valid_limit,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TIER = Policy("pro", 1000)
DEFAULT = Policy("everyone", 100)
TEN = LimitInForce(10, Source.TIER, "pro")


def level(used: int, cost: int, kind: Kind = Kind.ALLOWANCE, in_force: LimitInForce = TEN, **options):
    return decide_level("minutes", kind, in_force, used, cost, **options)


def test_override_wins():
    """An override that lasts wins over tier and default."""
    override = Policy("support case", 5, NOW + timedelta(seconds=1))
    assert limit_in_force(NOW, override, TIER, DEFAULT) == LimitInForce(5, Source.OVERRIDE, "support case")


def test_override_ends_at_its_second():
    """At the second it expires an override is out of force."""
    assert limit_in_force(NOW, Policy("old", 5, NOW), TIER, DEFAULT) == LimitInForce(1000, Source.TIER, "pro")


def test_override_for_good():
    """An override without an expiry lasts."""
    assert limit_in_force(NOW, Policy("vip", 5), TIER).source is Source.OVERRIDE


def test_default_without_a_tier():
    """Without override and tier policy the default holds."""
    assert limit_in_force(NOW, default=DEFAULT, unlimited=True) == LimitInForce(100, Source.DEFAULT, "everyone")


def test_policy_without_limit():
    """A tier may have no limit, and it is the tier that says so."""
    assert limit_in_force(NOW, tier=Policy("enterprise", None), default=DEFAULT) == LimitInForce(
        None, Source.TIER, "enterprise"
    )


def test_unlimited_only_where_the_resource_says_so():
    """With no policy at all a resource is unlimited if it says so, and closed if it does not."""
    assert limit_in_force(NOW, unlimited=True).limit is None
    assert limit_in_force(NOW).limit == 0


def test_last_unit_fits():
    """What fills a limit exactly is let through, and leaves nothing."""
    decision = level(used=7, cost=3)
    assert (decision.allowed, decision.remaining) == (True, 0)


def test_one_more_does_not_fit():
    """One more is refused, and what is left is told."""
    decision = level(used=8, cost=3)
    assert (decision.allowed, decision.remaining) == (False, 2)


def test_unlimited_level():
    """Without a limit everything fits, and nothing is counted down."""
    decision = level(10**18, 10**18, in_force=LimitInForce(None, Source.UNLIMITED, "unlimited"))
    assert (decision.allowed, decision.remaining) == (True, None)


def test_limit_below_usage_is_not_negative():
    """After a limit was lowered, what remains is nothing, not less."""
    assert level(used=50, cost=1).remaining == 0


@pytest.mark.parametrize(
    ("kind", "cost", "retryable"),
    [
        (Kind.ALLOWANCE, 3, True),
        (Kind.CONCURRENCY, 3, True),
        (Kind.STORAGE, 3, False),
        (Kind.ALLOWANCE, 11, False),
    ],
)
def test_retryable_where_waiting_helps(kind, cost, retryable):
    """Waiting frees slots and allowances, but no storage, and never makes room for more than the limit."""
    assert level(8, cost, kind).retryable is retryable


def test_retry_is_never_before_the_reset():
    """A refused request is never asked back before anything has come back."""
    assert level(10, 1, reset_seconds=30, retry_after_seconds=5).retry_after_seconds == 30


def test_together_the_lasting_refusal_speaks():
    """Of several refusals the one that no wait cures is told, else the one that lasts longest."""
    short = level(10, 1, reset_seconds=5)
    long = level(10, 1, reset_seconds=50)
    never = level(10, 1, Kind.STORAGE)
    assert decide_together([short, long, level(0, 1)]) is long
    assert decide_together([short, never, long]) is never


def test_together_the_nearest_limit_speaks():
    """When all let through, the one nearest to its limit is told."""
    near = level(8, 1)
    assert decide_together([level(0, 1), near]) is near


@pytest.mark.parametrize("value", [0, 1, "7", 2**53])
def test_limits_that_are_right(value):
    """Whole numbers from 0 to 2^53 are limits."""
    assert valid_limit(value) == int(value)


@pytest.mark.parametrize("value", [-1, 2**53 + 1, "ten", "", 1.5, None, True, "9" * 5000])
def test_limits_that_are_wrong(value):
    """Anything else is refused by the field's name."""
    with pytest.raises(InvalidInput) as caught:
        valid_limit(value)
    assert caught.value.field == "limit"


@pytest.mark.parametrize("value", [0, -1, 1.5, "1", True, 2**53 + 1])
def test_costs_that_are_wrong(value):
    """A request costs at least one, or it could give back what others have used."""
    with pytest.raises(InvalidInput) as caught:
        valid_cost(value)
    assert caught.value.field == "cost"
