"""Leased permits: answered from memory, void in time, and never a way round the limit, however many processes lease."""

from collections import deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from ops_client.quotas import ring
from ops_client.quotas.decide import Decision, Kind, LimitInForce, Source
from ops_client.quotas.permits import LONGEST_SECONDS, MOST_KEYS, Lease, Permits, Wish

EPOCH, WINDOW, KEY = 1_795_435_200.0, 60, ("api", "u1", "pro")
FIRST = Decision(True, "api", Kind.RATE, 100, 60, Source.TIER, "pro", reset_seconds=9.0, window_seconds=WINDOW)


@dataclass
class World:
    """The database as processes see it: one ring, one limit, one clock."""

    limit: int | None
    now: float = EPOCH
    kept: ring.Ring = field(default_factory=ring.Ring)
    asked: int = 0

    def ask(self, wish: Wish) -> tuple[Decision, int]:
        """What the statement does: what comes back, the hit, the lease."""
        self.asked += 1
        if wish.back:
            self.kept = ring.give_back(self.kept, wish.back.bucket, wish.back.amount)
        in_force = LimitInForce(self.limit, Source.TIER, "pro")
        self.kept, decision = ring.hit(self.kept, in_force, "api", self.now, WINDOW)
        granted = 0
        if decision.allowed and wish.wanted:
            self.kept, granted = ring.lease(self.kept, self.limit, wish.wanted)
        return decision, granted


@dataclass
class Process:
    """One process of a backend, with permits of its own."""

    world: World
    permits: Permits = field(default_factory=Permits)

    def hit(self) -> bool:
        now = self.world.now
        if self.permits.take(KEY, 1, now):
            return True
        wish = self.permits.wish(KEY, 1, now)
        decision, granted = self.world.ask(wish)
        if granted:
            seconds = ring.ends_in(self.world.kept, now, WINDOW)
            lease = Lease(self.world.kept.newest, granted, now, now + seconds, decision)
            self.permits.hold(KEY, wish, lease)
        return decision.allowed

    def give_back(self) -> None:
        for each in self.permits.unused(self.world.now):
            self.world.kept = ring.give_back(self.world.kept, each.bucket, each.amount)


moments = st.sampled_from([0.0, 0.0, 0.001, 0.01, 0.2])
pauses = moments | moments | st.sampled_from([0.999, 1.0, 2.999, 3.0, 3.001, 59.999, 60.0]) | st.floats(0, 70)
happenings = st.lists(
    st.tuples(
        pauses, st.integers(0, 3), st.integers(1, 150) | st.sampled_from(["edit", "give back"]), st.integers(0, 600)
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=300)
@given(st.integers(0, 600), happenings)
def test_processes_with_permits_never_exceed_the_limit(limit, happened):
    """In any window, over four processes that lease, an admitted call finds no more than the limit of that moment."""
    world = World(limit)
    processes = [Process(world) for _ in range(4)]
    passed: deque[float] = deque()
    for pause, number, what, new_limit in happened:
        world.now += pause
        while passed and passed[0] <= world.now - WINDOW:
            passed.popleft()
        if what == "edit":
            world.limit = new_limit
            for process in processes:
                process.permits.void()
        elif what == "give back":
            processes[number].give_back()
        else:
            for _ in range(what):
                if processes[number].hit():
                    passed.append(world.now)
                    assert len(passed) <= world.limit


@settings(max_examples=100)
@given(st.lists(st.tuples(pauses, st.integers(0, 3), st.integers(1, 150)), max_size=40))
def test_what_is_given_back_is_there_for_others(happened):
    """Once every process has given back, the ring holds exactly what was let through: nothing is lost, nothing free."""
    world, passed = World(600), []
    processes = [Process(world) for _ in range(4)]
    for pause, number, calls in happened:
        world.now += pause
        passed += [world.now for _ in range(calls) if processes[number].hit()]
    for process in processes:
        process.permits.void()
        process.give_back()
    buckets = [int(at * ring.BUCKETS // WINDOW) for at in passed]
    oldest = world.kept.newest - ring.BUCKETS
    assert sum(world.kept.counts) == sum(bucket >= oldest for bucket in buckets)


def test_a_hot_key_asks_seldom():
    """A thousand calls in a moment, of a key that is far from its limit, take a dozen statements."""
    world = World(1_000_000)
    process = Process(world)
    assert all(process.hit() for _ in range(1_000))
    assert world.asked < 15


def test_a_cold_key_leases_nothing():
    """A handful of calls a second is asked of the database each time: an edit holds on the very next one."""
    world = World(1_000_000)
    process = Process(world)
    for _ in range(20):
        process.hit()
        world.now += 0.3
    assert (world.asked, sum(world.kept.counts)) == (20, 20)


def held(permits: Permits, now: float, seconds: float = 30.0) -> None:
    """A lease of 40, made at `now`."""
    permits.take(KEY, 1, now)
    permits.hold(KEY, permits.wish(KEY, 1, now), Lease(7, 40, now, now + seconds, FIRST))


def test_an_answer_from_memory_counts_down():
    """It says what is left for this process and when some comes back, as time passes."""
    permits = Permits()
    held(permits, 100.0)
    decision = permits.take(KEY, 4, 100.5)
    assert (decision.allowed, decision.limit, decision.remaining, decision.reset_seconds) == (True, 100, 56, 8.5)


def test_a_lease_lasts_a_second_at_most():
    """Should nobody have told this process of a change, it still holds after a second."""
    permits = Permits()
    held(permits, 100.0)
    assert permits.take(KEY, 1, 100.0 + LONGEST_SECONDS) is None


def test_a_lease_ends_with_its_bucket():
    """What is left when the bucket ends is not used, and goes back."""
    permits = Permits()
    held(permits, 100.0, seconds=0.25)
    assert permits.take(KEY, 1, 100.25) is None
    assert [(each.bucket, each.amount) for each in permits.unused(100.25)] == [(7, 40)]
    assert permits.unused(100.25) == []


def test_what_was_asked_before_a_change_is_void_after_it():
    """An answer that was on its way while the configuration changed gives no permits."""
    permits = Permits()
    permits.take(KEY, 1, 100.0)
    wish = permits.wish(KEY, 1, 100.0)
    permits.void()
    permits.hold(KEY, wish, Lease(7, 40, 100.0, 101.0, FIRST))
    assert permits.take(KEY, 1, 100.1) is None
    assert permits.wish(KEY, 1, 100.1).back.amount == 40


def test_another_tier_is_another_key():
    """A user whose tier has just changed does not go on with the old tier's permits."""
    permits = Permits()
    held(permits, 100.0)
    assert permits.take(("api", "u1", "free"), 1, 100.0) is None


def test_users_without_number_take_no_memory():
    """Keys that were asked for once are forgotten, a second of them at most beyond the bound."""
    permits = Permits()
    for number in range(3 * MOST_KEYS):
        key = ("api", str(number), None)
        permits.take(key, 1, number / 1000)
        permits.wish(key, 1, number / 1000)
    assert len(permits._known) <= MOST_KEYS + 1_000 + 1


def test_many_keys_are_looked_through_once_a_second(monkeypatch):
    """However many keys are in use, a question costs a look through all of them once a second at most."""
    looks = []
    monkeypatch.setattr(Permits, "_forget_quiet", lambda self, now: looks.append(now))
    permits = Permits()
    for number in range(MOST_KEYS + 2_000):
        key = ("api", str(number), None)
        permits.take(key, 1, 10.0)
        permits.wish(key, 1, 10.0)
    assert looks == [10.0]
