"""Permits: a little of a limit, taken ahead by a process that is asked for one key often. Pure: time comes in.

They were counted when they were leased, so that using them counts nothing more; they are void when their bucket of the
ring ends and at every change of the configuration; what is left of them is given back. So no window holds too much.
"""

import threading
from dataclasses import dataclass, replace

from ops_client.quotas.decide import Decision

# Asked for no more often than this in a second, a key is asked of the database each time.
HOT_CALLS = 4
STRETCH_SECONDS = 1.0
# A change that this process was not told of (its listening connection is down) holds after this long all the same.
LONGEST_SECONDS = 1.0
MOST_KEYS = 5_000
MOST_PERMITS = 10_000

# Resource, user, tier: another tier may have another limit.
Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Unused:
    """What is left of a lease that is over."""

    key: Key
    bucket: int
    amount: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask of the database: permits beside the call, and what comes back of the lease before."""

    wanted: int
    generation: int
    back: Unused | None = None


@dataclass(slots=True)
class Lease:
    """Permits that were granted with `decision`, to be used before `until` (monotonic seconds, as `began`)."""

    bucket: int
    granted: int
    began: float
    until: float
    decision: Decision
    left: int = 0

    def told(self, now: float) -> Decision:
        """The decision on one more call, as far as this process can know."""
        first = self.decision
        remaining = None if first.remaining is None else first.remaining - self.granted + self.left
        return replace(first, remaining=remaining, reset_seconds=max(0.0, first.reset_seconds - now + self.began))


@dataclass(slots=True)
class _Known:
    """How often a key was asked for, in this stretch and in the one before; and its lease."""

    began: float
    asked: int = 0
    before: int = 0
    lease: Lease | None = None

    def count(self, now: float) -> None:
        passed = now - self.began
        if passed >= STRETCH_SECONDS:
            self.before = self.asked if passed < 2 * STRETCH_SECONDS else 0
            self.asked, self.began = 0, now
        self.asked += 1


class Permits:
    """One process's. Any thread may ask; `now` is in monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Key, _Known] = {}
        self._unused: dict[Key, dict[int, int]] = {}
        self._generation = 0
        self._looked_at = -STRETCH_SECONDS

    def take(self, key: Key, cost: int, now: float) -> Decision | None:
        """A decision from what is leased; None where the database has to be asked."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = _Known(now)
            known.count(now)
            lease = known.lease
            if lease is None or lease.left < cost or now >= lease.until:
                return None
            lease.left -= cost
            return lease.told(now)

    def wish(self, key: Key, cost: int, now: float) -> Wish:
        """What to ask for where `take` had nothing; what is left of the lease before goes back with it."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                return Wish(0, self._generation)
            self._give_back(key, known.lease)
            known.lease = None
            often = max(known.asked, known.before)
            # Once a stretch: a look through all keys at every question would cost more than the question.
            if len(self._known) > MOST_KEYS and now - self._looked_at >= STRETCH_SECONDS:
                self._looked_at = now
                self._forget_quiet(now)
            return Wish(min(often * cost, MOST_PERMITS) if often > HOT_CALLS else 0, self._generation, self._back(key))

    def hold(self, key: Key, wish: Wish, lease: Lease) -> None:
        """Keep what was granted on a wish, beside what another thread got; after a change it only goes back."""
        lease.left = lease.granted
        lease.until = min(lease.until, lease.began + LONGEST_SECONDS)
        with self._lock:
            known = self._known.get(key)
            if known is None or wish.generation != self._generation:
                self._give_back(key, lease)
                return
            if known.lease is not None and known.lease.bucket == lease.bucket:
                lease.left += known.lease.left
                lease.until = min(lease.until, known.lease.until)
            else:
                self._give_back(key, known.lease)
            known.lease = lease

    def void(self) -> None:
        """The configuration has changed: nothing that was leased under the old one is used any more."""
        with self._lock:
            self._generation += 1
            self._end_leases()

    def unused(self, now: float | None = None) -> list[Unused]:
        """What there is to give back, handed out once: of leases that are over by `now`, or of all without it."""
        with self._lock:
            self._end_leases(now)
            unused, self._unused = self._unused, {}
        return [Unused(key, *each) for key, buckets in unused.items() for each in buckets.items()]

    def _end_leases(self, now: float | None = None) -> None:
        for key, known in self._known.items():
            if known.lease is not None and (now is None or now >= known.lease.until):
                self._give_back(key, known.lease)
                known.lease = None

    def _give_back(self, key: Key, lease: Lease | None) -> None:
        if lease is not None and lease.left:
            buckets = self._unused.setdefault(key, {})
            buckets[lease.bucket] = buckets.get(lease.bucket, 0) + lease.left

    def _back(self, key: Key) -> Unused | None:
        """What one question can bring back; there is seldom more."""
        buckets = self._unused.get(key)
        if not buckets:
            return None
        back = Unused(key, *buckets.popitem())
        if not buckets:
            del self._unused[key]
        return back

    def _forget_quiet(self, now: float) -> None:
        """Keys that were not asked for lately are cold again; those that hold something stay."""
        self._known = {
            key: known
            for key, known in self._known.items()
            if known.lease is not None or (known.asked > 1 and now - known.began < 2 * STRETCH_SECONDS)
        }
