"""How many calls ways of limiting let through in the fullest window, of a limit of 100 in 60 s; simulated, no clock.

Callers try to slip through: they wait, and come in bursts at every place in a window. The share is what is admitted of
what an exact log of all calls admits, while calls come at 1.5 times the limit, evenly.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator

from benchmarks.report import Peer, Result, print_result
from ops_client.quotas import ring
from ops_client.quotas.decide import LimitInForce, Source

LIMIT, WINDOW = 100, 60
START = 1_795_435_200.0
BURSTS = 400

Admit = Callable[[float], bool]


def exact() -> Admit:
    """A log of all calls in the window: the truth, at the price of a hundred entries a user."""
    log: list[float] = []

    def admit(now: float) -> bool:
        fits = len(log) - bisect_right(log, now - WINDOW) < LIMIT
        if fits:
            log.append(now)
        return fits

    return admit


def buckets() -> Admit:
    """Ours: a ring of 20 buckets and the newest, all counted."""
    kept, in_force = [ring.Ring()], LimitInForce(LIMIT, Source.DEFAULT, "default")

    def admit(now: float) -> bool:
        kept[0], decision = ring.hit(kept[0], in_force, "api", now, WINDOW)
        return decision.allowed

    return admit


def fixed() -> Admit:
    """One counter a calendar window."""
    window, count = 0, 0

    def admit(now: float) -> bool:
        nonlocal window, count
        if int(now // WINDOW) != window:
            window, count = int(now // WINDOW), 0
        fits = count < LIMIT
        count += fits
        return fits

    return admit


def two_counters() -> Admit:
    """The usual sliding window: this window's counter and the last one's, weighted by what of it is still in sight."""
    window, now_count, before = 0, 0, 0

    def admit(now: float) -> bool:
        nonlocal window, now_count, before
        passed = int(now // WINDOW) - window
        if passed:
            window, before, now_count = window + passed, now_count if passed == 1 else 0, 0
        fits = before * (1 - now % WINDOW / WINDOW) + now_count + 1 <= LIMIT
        now_count += fits
        return fits

    return admit


def gcra() -> Admit:
    """A leaky bucket as one time stamp, with room for a burst of the whole limit."""
    full_until, each = 0.0, WINDOW / LIMIT

    def admit(now: float) -> bool:
        nonlocal full_until
        later = max(full_until, now) + each
        fits = later - now <= WINDOW
        if fits:
            full_until = later
        return fits

    return admit


WAYS: dict[str, Callable[[], Admit]] = {
    "ring (ours)": buckets,
    "fixed window": fixed,
    "two counters": two_counters,
    "GCRA": gcra,
}


def measure() -> Result:
    """The fullest window and the share under overload, of each."""
    worst = {name: max(fullest(make, attempt) for attempt in range(12)) for name, make in WAYS.items()}
    shares = {name: round(admitted(make) / admitted(exact), 3) for name, make in WAYS.items()}
    peers = [Peer(name, "", worst[name]) for name in WAYS if name != "ring (ours)"]
    details = {f"share of an exact log at 1.5 times overload, {name}": share for name, share in shares.items()}
    return Result("windows", "calls", worst["ring (ours)"], LIMIT, peers, details)


def fullest(make: Callable[[], Admit], seed: int) -> int:
    """The most calls let through in any window, over bursts and waits."""
    admit, passed, most, first = make(), [], 0, 0
    for now in bursts(random.Random(seed)):
        if not admit(now):
            continue
        passed.append(now)
        while passed[first] <= now - WINDOW:
            first += 1
        most = max(most, len(passed) - first)
    return most


def bursts(draw: random.Random) -> Iterator[float]:
    """Times of calls: as many as can pass at one moment, then a wait of any part of a window, or of two."""
    now = START
    for _ in range(BURSTS):
        now += draw.choice([0.1, 0.6, 1.0, 3.0, 29.9, 30.0, 54.0, 57.0, 59.0, 59.9, 60.0, 60.1, 119.0]) * draw.random()
        for _ in range(draw.choice([1, 10, LIMIT, 2 * LIMIT])):
            now += 0.0001
            yield now


def admitted(make: Callable[[], Admit]) -> int:
    """How many of 6,000 even calls at 1.5 times the limit."""
    admit = make()
    return sum(admit(START + number * WINDOW / LIMIT / 1.5) for number in range(6_000))


if __name__ == "__main__":
    print_result(measure())
