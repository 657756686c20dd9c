"""One flag check: a constraint and a percentage, in CPU microseconds, among 100 flags, from warm memory.

Everybody is asked the same flags for the same people, with the context already in the form that it wants; where the
form belongs to one request (waffle's), it is made outside the measured time. A round asks everybody in turn, and the
median of the rounds counts, so that a busy moment of the machine falls on all alike.
"""

import statistics
import time

from benchmarks import contenders
from benchmarks.loading import loading
from benchmarks.reloading import reloading
from benchmarks.report import Peer, Result, print_result, version_of
from benchmarks.work import Ask, Check, asks

ROUNDS = 15
CHECKS = 4_000


def microseconds(check: Check, given: list[Ask]) -> float:
    """CPU time a check, over all that are asked."""
    before = time.process_time()
    for name, context in given:
        check(name, context)
    return (time.process_time() - before) / len(given) * 1e6


def measure() -> Result:
    """Ask everybody, round by round."""
    work = asks(CHECKS)
    entrants = contenders.all_of_them()
    seen: dict[str, list[float]] = {entrant.name: [] for entrant in entrants}
    shares = {each.name: sum(each.check(*ask) for ask in each.prepare(work)) / CHECKS for each in entrants}
    for _ in range(ROUNDS):
        for entrant in entrants:
            given = entrant.prepare(work)
            seen[entrant.name].append(microseconds(entrant.check, given))
    medians = {name: round(statistics.median(values), 3) for name, values in seen.items()}
    peers = [Peer(each.name, version_of(each.name), medians[each.name]) for each in entrants if each.is_peer]
    details = {f"share_on {name}": round(share, 3) for name, share in shares.items()} | loading() | reloading()
    return Result("flags", "us", medians["ours"], medians["floor"], peers, details)


if __name__ == "__main__":
    print_result(measure())
