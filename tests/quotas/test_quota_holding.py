"""Storage, places and allowances as backends meet them."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from ops_client.errors import InvalidInput, StoreUnavailable
from ops_client.quotas.decide import Source
from ops_client.quotas.guard import QuotaExceeded, ReservationGone
from ops_client.quotas.threads import MOST_THREADS
from quotas.models import Counter, Level, Reservation, Slot
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def used(ops, user, resource):
    return ops.quotas.peek(resource, user.id, tier=user.tier).used


def test_what_is_stored_counts_when_the_block_is_left(ops, hanna):
    """A reservation holds its room at once, and leaving its block makes it a part of the level."""
    with ops.quotas.reserve("storage_bytes", hanna.id, 1_000, tier="pro"):
        assert used(ops, hanna, "storage_bytes") == 1_000
        assert not Level.objects.get(user_id=hanna.id).used
    assert Level.objects.get(user_id=hanna.id).used == 1_000
    assert not Reservation.objects.filter(user_id=hanna.id).exists()


def test_what_failed_gives_its_room_back(ops, hanna):
    """An exception in the block releases what was reserved."""
    with pytest.raises(ZeroDivisionError), ops.quotas.reserve("storage_bytes", hanna.id, 1_000, tier="pro"):
        raise ZeroDivisionError
    assert used(ops, hanna, "storage_bytes") == 0


def test_what_was_really_stored_is_what_counts(ops, hanna):
    """A commit may say how much it was in the end."""
    with ops.quotas.reserve("storage_bytes", hanna.id, 1_000, tier="pro") as reservation:
        reservation.commit(actual=700)
    assert used(ops, hanna, "storage_bytes") == 700


def test_freed_room_is_there_again(ops, hanna):
    """Deleting something stored lowers the level, never below nothing."""
    ops.quotas.reserve("storage_bytes", hanna.id, 1_000, tier="pro").commit()
    ops.quotas.free("storage_bytes", hanna.id, 400)
    assert used(ops, hanna, "storage_bytes") == 600
    ops.quotas.free("storage_bytes", hanna.id, 5_000)
    assert used(ops, hanna, "storage_bytes") == 0


def test_storage_over_the_limit_is_refused_for_good(ops, hanna):
    """A refusal of storage says the limit and that waiting does not help, and holds nothing."""
    with pytest.raises(QuotaExceeded) as refusal:
        ops.quotas.reserve("storage_bytes", hanna.id, 2_500_000_001, tier="pro")
    decision = refusal.value.decision
    assert (decision.limit, decision.source, decision.retryable) == (2_500_000_000, Source.TIER, False)
    assert used(ops, hanna, "storage_bytes") == 0


def test_reservations_together_never_exceed_the_limit(ops, hanna, allow):
    """Eight threads that reserve at once get exactly the room there is."""
    allow(hanna, "storage_bytes", 10)

    def reserve(_: int) -> bool:
        try:
            return bool(ops.quotas.reserve("storage_bytes", hanna.id, 1))
        except QuotaExceeded:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(reserve, range(40))) == 10


def test_a_reservation_runs_out(ops, hanna, allow):
    """Room that nobody committed or released is there again after its time, and a commit still counts meanwhile."""
    allow(hanna, "storage_bytes", 10)
    late = ops.quotas.reserve("storage_bytes", hanna.id, 10)
    Reservation.objects.filter(user_id=hanna.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ops.quotas.reserve("storage_bytes", hanna.id, 10).id
    late.commit()
    assert Level.objects.get(user_id=hanna.id).used == 10


def test_a_commit_of_what_is_gone_says_so(ops, hanna):
    """When the reservation itself is gone, the caller hears that its bytes are not counted."""
    late = ops.quotas.reserve("storage_bytes", hanna.id, 10, tier="pro")
    Reservation.objects.filter(user_id=hanna.id).delete()
    with pytest.raises(ReservationGone):
        late.commit()


@pytest.mark.parametrize("actual", [-1, float("nan"), "10", True, 2**53 + 1])
def test_what_is_no_amount_cannot_be_stored(ops, hanna, actual):
    """An impossible amount at the commit is refused by its name, and the reservation still stands."""
    held = ops.quotas.reserve("storage_bytes", hanna.id, 10, tier="pro")
    with pytest.raises(InvalidInput, match="actual"):
        held.commit(actual=actual)
    held.commit()


def test_a_commit_that_the_database_missed_is_made_again(ops, hanna, monkeypatch):
    """When the database could not be asked, the same reservation can be committed once it can."""
    held = ops.quotas.reserve("storage_bytes", hanna.id, 10, tier="pro")
    with monkeypatch.context() as away, pytest.raises(StoreUnavailable):
        away.setattr(held, "_store", Away())
        held.commit()
    held.commit()
    assert ops.quotas.peek("storage_bytes", hanna.id, tier="pro").used == 10
    assert not Reservation.objects.filter(user_id=hanna.id).exists()


class Away:
    """A database that cannot be asked."""

    def fetch(self, *_: object, **__: object) -> None:
        raise StoreUnavailable("away")


def test_places_are_as_many_as_the_limit(ops, hanna, allow):
    """Eight threads that want one of three places at once get three, and a place given back is taken again."""
    allow(hanna, "concurrent_assemblies", 3)

    def take(_: int):
        try:
            return ops.quotas.lease("concurrent_assemblies", hanna.id)
        except QuotaExceeded:
            return None

    with ThreadPoolExecutor(8) as threads:
        leases = [lease for lease in threads.map(take, range(24)) if lease]
    assert len(leases) == 3
    leases[0].release()
    assert take(0) is not None
    assert take(0) is None


def test_a_lost_place_comes_back_and_a_late_release_does_nothing(ops, hanna):
    """A holder that is silent past its time to live loses the place; giving it back late leaves the new holder be."""
    silent = ops.quotas.lease("concurrent_assemblies", hanna.id, tier="free")
    with pytest.raises(QuotaExceeded):
        ops.quotas.lease("concurrent_assemblies", hanna.id, tier="free")
    Slot.objects.filter(user_id=hanna.id, holder__isnull=False).update(expires_at=timezone.now() - timedelta(seconds=1))
    newer = ops.quotas.lease("concurrent_assemblies", hanna.id, tier="free")
    silent.release()
    assert Slot.objects.get(user_id=hanna.id, holder__isnull=False).holder == newer.id


def test_a_heartbeat_keeps_a_place(ops, hanna):
    """The client's sign of life moves the time at which a place is lost; one that was lost is told."""
    kept = ops.quotas.lease("concurrent_assemblies", hanna.id, tier="creator")
    lost = ops.quotas.lease("concurrent_assemblies", hanna.id, tier="creator")
    near = timezone.now() + timedelta(seconds=5)
    Slot.objects.filter(holder=kept.id).update(expires_at=near)
    Slot.objects.filter(holder=lost.id).update(expires_at=near - timedelta(seconds=10))
    ops.quotas._keep_leases()
    assert Slot.objects.get(holder=kept.id).expires_at > near
    assert (kept.lost, lost.lost) == (False, True)


def test_a_lowered_limit_holds_while_old_places_are_held(ops, hanna, allow):
    """Three are running when the limit goes down to two: nobody else begins until two of them are done."""
    allow(hanna, "concurrent_assemblies", 3)
    running = [ops.quotas.lease("concurrent_assemblies", hanna.id) for _ in range(3)]
    allow(hanna, "concurrent_assemblies", 2, version=1)
    running[0].release()
    with pytest.raises(QuotaExceeded):
        ops.quotas.lease("concurrent_assemblies", hanna.id)
    running[1].release()
    assert ops.quotas.lease("concurrent_assemblies", hanna.id).id


def test_an_allowance_is_used_up_and_says_when_it_returns(ops, hanna):
    """The sixth episode of a month is refused on a limit of five, until the month ends."""
    assert all(ops.quotas.consume("episodes_per_month", hanna.id, tier="free").allowed for _ in range(5))
    decision = ops.quotas.consume("episodes_per_month", hanna.id, tier="free")
    assert (decision.allowed, decision.retryable) == (False, True)
    assert 0 < decision.retry_after_seconds <= 31 * 24 * 3600


def test_a_new_period_begins_at_nothing(ops, hanna):
    """What was used in an earlier period does not count in this one."""
    ops.quotas.consume("episodes_per_month", hanna.id, tier="free", cost=5)
    Counter.objects.filter(user_id=hanna.id).update(period_start=timezone.now() - timedelta(days=62))
    assert used(ops, hanna, "episodes_per_month") == 0
    assert ops.quotas.consume("episodes_per_month", hanna.id, tier="free", cost=5).allowed


async def _all_async(quotas, user_id):
    async with await quotas.areserve("storage_bytes", user_id, 5, tier="pro"):
        pass
    async with await quotas.alease("concurrent_assemblies", user_id, tier="pro"):
        pass
    await quotas.ahit("api_calls", user_id, tier="pro")
    await quotas.aconsume("episodes_per_month", user_id, tier="pro")
    return {usage.resource: usage.used for usage in await quotas.ausage(user_id, tier="pro")}


def test_async_callers_have_the_same(ops, hanna):
    """Every call has an `a` form, and what is held is an async context manager as well."""
    assert asyncio.run(_all_async(ops.quotas, hanna.id)) == {
        "api_calls": 1,
        "audio_kept": 0,
        "concurrent_assemblies": 0,
        "episodes_per_month": 1,
        "storage_bytes": 5,
    }


@pytest.mark.parametrize(
    ("acquire", "resource"),
    [
        (lambda quotas, user: quotas.alease("concurrent_assemblies", user, tier="pro"), "concurrent_assemblies"),
        (lambda quotas, user: quotas.areserve("storage_bytes", user, 5, tier="pro"), "storage_bytes"),
        (lambda quotas, user: quotas.aall_of({"storage_bytes": 5}, user, tier="pro"), "storage_bytes"),
    ],
)
def test_a_cancelled_call_gives_back_what_it_got(ops, hanna, acquire, resource, monkeypatch):
    """Forty callers whose clients went away while the database was asked: nothing stays held for its time to live."""
    asked, answer = threading.Semaphore(0), threading.Event()
    fetch = ops.runtime.store.fetch

    def slow(name, **params):
        rows = fetch(name, **params)
        if name in ("quota_take", "quota_reserve", "quota_all"):
            asked.release()
            answer.wait(30)
        return rows

    monkeypatch.setattr(ops.runtime.store, "fetch", slow)

    async def cancelled():
        calls = [asyncio.ensure_future(acquire(ops.quotas, hanna.id)) for _ in range(40)]
        await asyncio.to_thread(asked.acquire)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(cancelled())
    answer.set()
    until(lambda: used(ops, hanna, resource) == 0, 10, "what was held")


def test_a_cancelled_block_is_left_all_the_same(ops, hanna, monkeypatch):
    """Leaving waits for a thread; a caller that is cancelled meanwhile has left."""
    leaving, go = threading.Event(), threading.Event()
    fetch = ops.runtime.store.fetch

    def slow(name, **params):
        if name == "quota_leave":
            leaving.set()
            go.wait(30)
        return fetch(name, **params)

    async def held():
        async with await ops.quotas.alease("concurrent_assemblies", hanna.id, tier="pro"):
            monkeypatch.setattr(ops.runtime.store, "fetch", slow)

    async def cancelled():
        call = asyncio.ensure_future(held())
        await asyncio.to_thread(leaving.wait)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    asyncio.run(cancelled())
    go.set()
    until(lambda: used(ops, hanna, "concurrent_assemblies") == 0, 10, "the place")


def test_a_cancelled_afree_frees_all_the_same(ops, hanna):
    """Also where the caller is cancelled while every thread is busy, so that the call has not begun."""
    with ops.quotas.reserve("storage_bytes", hanna.id, 5, tier="pro"):
        pass
    go = threading.Event()

    async def cancelled():
        for _ in range(MOST_THREADS):
            ops.quotas.threads.start(lambda: go.wait(30))
        call = asyncio.ensure_future(ops.quotas.afree("storage_bytes", hanna.id, 5))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    asyncio.run(cancelled())
    assert used(ops, hanna, "storage_bytes") == 5
    go.set()
    until(lambda: used(ops, hanna, "storage_bytes") == 0, 10, "what was freed")


def test_without_a_limit_no_place_is_taken(ops, hanna, allow, make_resource):
    """Whoever has no limit on what runs at once holds no place, and none is made for them."""
    resource = make_resource("concurrency", allow_unlimited=True)
    allow(hanna, resource.name, None)
    with ops.quotas.lease(resource.name, hanna.id) as lease:
        assert lease.decision.limit is None
    assert not Slot.objects.filter(user_id=hanna.id).exists()


def test_a_lease_that_nobody_holds_is_not_kept_alive(ops, hanna, allow):
    """A caller that was cancelled before it got its lease has none, and its place comes back by its time to live."""
    allow(hanna, "concurrent_assemblies", 1)
    ops.quotas.lease("concurrent_assemblies", hanna.id)
    Slot.objects.filter(user_id=hanna.id).update(expires_at=timezone.now() + timedelta(seconds=60))
    before = Slot.objects.get(user_id=hanna.id, number=1).expires_at
    ops.quotas._keep_leases()
    assert Slot.objects.get(user_id=hanna.id, number=1).expires_at == before
