"""Rate decisions: one process and eight, 10,000 users evenly and few hot ones, microseconds of wall time a decision.

Every process asks for a few seconds; the decisions of all are added up. All take turns, round by round, and the median
of the rounds counts. The headline is eight processes on hot keys, where ours answers from leased permits: the
others have nothing but their usual call. `SELECT 1` by one process is the floor of the statement, asked unleased.
"""

import os
import random
import statistics
import subprocess
import sys
import time
from multiprocessing.connection import Connection

from benchmarks.followers import followers
from benchmarks.limiters import DISTRIBUTIONS, FEW_KEYS_ONLY, LIMIT, MAKERS, RESOURCE, WINDOW_SECONDS, servers
from benchmarks.propagation import prepare
from benchmarks.report import Peer, Result, print_result, version_of

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = 2.0
PROCESSES = 8
USERS = [f"user-{number}" for number in range(10_000)]
HOT = [f"hot_{number}" for number in range(4)]
KEYS = {"evenly": USERS, "hot": HOT}
DEFINE = """
from quotas.models import Resource
Resource.objects.get_or_create(pk={name!r}, defaults=dict(kind="rate", title="Bench", unit="calls",
    window_seconds={window}, default_limit={limit}, failure_policy="closed", deadline_ms=60000))
"""


def measure() -> Result:
    """Everybody, round by round, on one pair of servers."""
    prepare()
    define()
    seen: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for name, keys, processes in settings():
            seen.setdefault((name, keys, processes), []).append(microseconds(name, keys, processes))
    found = {setting: round(statistics.median(values), 2) for setting, values in seen.items()}
    others = [name for name in MAKERS if name != "floor" and not name.startswith("ours")]
    peers = [Peer(name, _version(name), found[name, "hot", PROCESSES]) for name in others]
    floor = found["floor", "evenly", 1]
    details = {f"{name}, {keys}, {processes}": value for (name, keys, processes), value in found.items()}
    for ours in ("ours, the statement", "ours, unleased"):
        details[f"{ours}, over the floor, one process"] = round(found[ours, "evenly", 1] / floor, 2)
    return Result("quotas", "us", found["ours", "hot", PROCESSES], floor, peers, details)


def settings() -> list[tuple[str, str, int]]:
    """Who is asked for which keys by how many processes."""
    every = [(name, keys, processes) for processes in (1, PROCESSES) for keys in KEYS for name in MAKERS]
    return [each for each in every if not (each[0] in FEW_KEYS_ONLY and each[1] == "evenly")]


def microseconds(name: str, keys: str, processes: int) -> float:
    """Wall time a decision, of all processes together."""
    with followers(processes, ask, name, keys) as asking:
        for each in asking:
            each.pipe.send("go")
        counts = [each.pipe.recv() for each in asking]
    return SECONDS * 1e6 / sum(counts)


def ask(pipe: Connection, name: str, keys: str) -> None:
    """One process: ready when it has asked for some, then as often as it can."""
    decide, users = MAKERS[name](*servers()), KEYS[keys]
    draw = random.Random(os.getpid())
    order = [draw.choice(users) for _ in range(4_096)]
    for user in order[:50]:
        decide(user)
    pipe.send(("ready", time.monotonic()))
    pipe.recv()
    count, ends = 0, time.monotonic() + SECONDS
    while time.monotonic() < ends:
        for _ in range(8):
            decide(order[count % 4_096])
            count += 1
    pipe.send(count)


def define() -> None:
    """A resource that nobody's use reaches."""
    code = DEFINE.format(name=RESOURCE, window=WINDOW_SECONDS, limit=LIMIT)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ops_console.settings"}
    subprocess.run([sys.executable, "manage.py", "shell", "-c", code], env=environment, check=True, capture_output=True)


def _version(name: str) -> str:
    return version_of(next(distribution for prefix, distribution in DISTRIBUTIONS.items() if name.startswith(prefix)))


if __name__ == "__main__":
    print_result(measure())
