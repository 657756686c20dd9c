"""Several resources in one call: all of them, or nothing of any."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from ops_client.errors import InvalidInput, NotFound
from ops_client.quotas.decide import Kind
from ops_client.quotas.guard import QuotaExceeded
from quotas.models import Refusal

pytestmark = pytest.mark.django_db(transaction=True)
ALL = {"api_calls": 3, "storage_bytes": 1_000, "episodes_per_month": 1, "concurrent_assemblies": None}


def used(ops, user):
    return {usage.resource: usage.used for usage in ops.quotas.usage(user.id, tier=user.tier)}


def test_all_four_kinds_in_one_call(ops, hanna):
    """Each is taken as its own verb would; storage and the place are held until the block is left."""
    with ops.quotas.all_of(ALL, hanna.id, tier="pro") as together:
        assert {name: each.kind for name, each in together.decisions.items()} == {
            "api_calls": Kind.RATE,
            "storage_bytes": Kind.STORAGE,
            "episodes_per_month": Kind.ALLOWANCE,
            "concurrent_assemblies": Kind.CONCURRENCY,
        }
        assert all(each.allowed and each.policy == "pro" for each in together.decisions.values())
        assert used(ops, hanna)["concurrent_assemblies"] == 1
    after = used(ops, hanna)
    assert [after[name] for name in ALL] == [3, 1_000, 1, 0]


def test_one_refusal_takes_nothing_of_the_others(ops, hanna, allow):
    """Where storage is full, neither the call nor the episode is counted and no place is held; the refusal says so."""
    allow(hanna, "storage_bytes", 999)
    with pytest.raises(QuotaExceeded) as refusal:
        ops.quotas.all_of(ALL, hanna.id, tier="pro")
    assert (refusal.value.decision.resource, refusal.value.decision.retryable) == ("storage_bytes", False)
    assert set(used(ops, hanna).values()) == {0}
    ops.quotas._tell()
    assert [row.resource for row in Refusal.objects.filter(user_id=hanna.id)] == ["storage_bytes"]


def test_what_failed_gives_back_what_was_held(ops, hanna):
    """An exception in the block releases storage and place."""
    with pytest.raises(ZeroDivisionError), ops.quotas.all_of(ALL, hanna.id, tier="pro"):
        raise ZeroDivisionError
    after = used(ops, hanna)
    assert (after["storage_bytes"], after["concurrent_assemblies"]) == (0, 0)


def test_an_unknown_resource_takes_nothing(ops, hanna):
    """One name that is not defined is an error that says it, and the others are not charged."""
    with pytest.raises(NotFound, match="'storage_byte'"):
        ops.quotas.all_of({"api_calls": 1, "storage_byte": 5}, hanna.id, tier="pro")
    assert used(ops, hanna)["api_calls"] == 0


def test_shadow_stops_none_of_the_others(ops, hanna, make_resource):
    """A resource in shadow that is over its limit refuses nobody here either."""
    shadow = make_resource(default_limit=0, shadow=True).name
    assert ops.quotas.all_of([shadow, "api_calls"], hanna.id, tier="pro").decisions[shadow].allowed
    assert used(ops, hanna)["api_calls"] == 1


def test_threads_that_take_the_same_two_never_wait_for_each_other(ops, hanna, allow):
    """Named in whatever order, two resources are taken in one; the tighter limit is reached exactly by both."""
    allow(hanna, "episodes_per_month", 10)

    def take(number: int) -> bool:
        names = ["episodes_per_month", "api_calls"]
        try:
            return bool(ops.quotas.all_of(names if number % 2 else names[::-1], hanna.id, tier="pro"))
        except QuotaExceeded:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(take, range(60))) == 10
    after = used(ops, hanna)
    assert (after["episodes_per_month"], after["api_calls"]) == (10, 10)


@pytest.mark.parametrize("wrong", [{}, {"storage_bytes": -1}, {"storage_bytes": "many"}, {"storage_bytes": 2**53 + 1}])
def test_impossible_amounts_are_errors(ops, hanna, wrong):
    """Nothing at all, and what is no amount, are refused by name before anything is asked."""
    with pytest.raises(InvalidInput):
        ops.quotas.all_of(wrong, hanna.id)


def test_async_callers_have_it_too(ops, hanna):
    """`aall_of` is the same, and left asynchronously."""

    async def take() -> None:
        async with await ops.quotas.aall_of({"storage_bytes": 5}, hanna.id, tier="pro"):
            pass

    asyncio.run(take())
    assert used(ops, hanna)["storage_bytes"] == 5
