"""The true sliding window: a ring of buckets, the oldest counted whole, so no window holds over the limit.

The window is cut into BUCKETS. What happened in the last `window_seconds` lies in the newest bucket and the
BUCKETS before it, so that many plus one are kept and all are counted. The SQL statement does the same sums.
"""

from dataclasses import dataclass
from math import floor

from ops_client.quotas.decide import Decision, Kind, LimitInForce

BUCKETS = 20
# Of what is left after a call, at most this part is leased ahead: what others may need is never held.
LEASED_PART = 8


@dataclass(frozen=True, slots=True)
class Ring:
    """`counts` from the oldest bucket to the newest, whose number since the epoch is `newest`."""

    newest: int = 0
    counts: tuple[int, ...] = (0,) * (BUCKETS + 1)


def turn(ring: Ring, now_seconds: float, window_seconds: int) -> Ring:
    """The ring at this time: passed buckets fall out at the front. A clock that goes back changes nothing."""
    passed = floor(now_seconds * BUCKETS / window_seconds) - ring.newest
    if passed <= 0:
        return ring
    kept = ring.counts[passed:]
    return Ring(ring.newest + passed, kept + (0,) * (BUCKETS + 1 - len(kept)))


def hit(
    ring: Ring, in_force: LimitInForce, resource: str, now_seconds: float, window_seconds: int, cost: int = 1
) -> tuple[Ring, Decision]:
    """Count `cost` if it fits. A refused call is not counted. `now_seconds` is seconds since the epoch."""
    ring = turn(ring, now_seconds, window_seconds)
    limit = in_force.limit
    allowed = limit is None or sum(ring.counts) + cost <= limit
    if allowed:
        ring = Ring(ring.newest, (*ring.counts[:-1], ring.counts[-1] + cost))
    used = sum(ring.counts)
    missing = 0 if allowed or limit is None else used + cost - limit
    return ring, Decision(
        allowed=allowed,
        resource=resource,
        kind=Kind.RATE,
        limit=limit,
        remaining=None if limit is None else max(0, limit - used),
        source=in_force.source,
        policy=in_force.policy,
        reset_seconds=free_in(ring, 1, now_seconds, window_seconds),
        retry_after_seconds=free_in(ring, missing, now_seconds, window_seconds),
        retryable=not allowed and limit is not None and cost <= limit,
        window_seconds=window_seconds,
    )


def lease(ring: Ring, limit: int | None, wanted: int) -> tuple[Ring, int]:
    """Count up to `wanted` permits ahead in the newest bucket, after a hit that passed; how many were granted.

    Whoever has them may use them until that bucket ends, and must never use them after.
    """
    granted = wanted if limit is None else min(wanted, (limit - sum(ring.counts)) // LEASED_PART)
    return Ring(ring.newest, (*ring.counts[:-1], ring.counts[-1] + granted)), granted


def give_back(ring: Ring, bucket: int, amount: int) -> Ring:
    """The ring without `amount` permits that were leased in `bucket` and will never be used."""
    place = BUCKETS - (ring.newest - bucket)
    if not 0 <= place <= BUCKETS:
        return ring
    counts = list(ring.counts)
    counts[place] = max(0, counts[place] - amount)
    return Ring(ring.newest, tuple(counts))


def ends_in(ring: Ring, now_seconds: float, window_seconds: int) -> float:
    """Seconds until the newest bucket ends, and with it what was leased in it."""
    return (ring.newest + 1) * window_seconds / BUCKETS - now_seconds


def free_in(ring: Ring, wanted: int, now_seconds: float, window_seconds: int) -> float:
    """Seconds until `wanted` of what is counted has fallen out; until all has, where there is less."""
    freed = 0
    last = 0.0
    for number, count in enumerate(ring.counts, ring.newest - BUCKETS):
        if freed >= wanted:
            break
        if count:
            freed += count
            last = (number + BUCKETS + 1) * window_seconds / BUCKETS - now_seconds
    return max(0.0, last)
