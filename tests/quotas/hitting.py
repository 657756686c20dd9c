"""A backend's process for tests: `python -m tests.quotas.hitting DSN VERB RESOURCE USER COUNT`.

Says `ready`, waits for a line, then works and says as JSON what it got: by `hit`, `crowd`, `hold` or `keep`.
"""

import json
import random
import sys
import time

from ops_client.client import OpsClient
from ops_client.quotas.guard import QuotaExceeded


def hit(ops: OpsClient, resource: str, user: str, count: int) -> list[bool]:
    return [ops.quotas.hit(resource, user).allowed for _ in range(count)]


def crowd(ops: OpsClient, resource: str, user: str, seconds: int) -> list[tuple[float, float]]:
    """When each call that passed was made and answered, at random moments, costs of 1 to 3 told as often."""
    passed, ends = [], time.monotonic() + seconds
    while (asked := time.monotonic()) < ends:
        cost = random.choice((1, 1, 1, 3))
        if ops.quotas.hit(resource, user, cost=cost).allowed:
            passed += [(asked, time.monotonic())] * cost
        time.sleep(random.expovariate(200))
    return passed


def hold(ops: OpsClient, resource: str, user: str, count: int) -> list[tuple[float, float]]:
    """When each place was held, from and to, on the clock that all processes of a machine share."""
    held = []
    while len(held) < count:
        try:
            with ops.quotas.lease(resource, user):
                began = time.monotonic()
                time.sleep(0.005)
                held.append((began, time.monotonic()))
        except QuotaExceeded:
            time.sleep(0.002)
    return held


def keep(ops: OpsClient, resource: str, user: str, count: int) -> bool:
    """Take a place, say so, and give it back when a line comes."""
    lease = ops.quotas.lease(resource, user)
    say("held")
    sys.stdin.readline()
    lease.release()
    return lease.lost


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    dsn, verb, resource, user, count = sys.argv[1:]
    with OpsClient(dsn, service="tests", snapshot_path=None) as ops:
        ops.quotas.usage(user)
        say("ready")
        sys.stdin.readline()
        say({"hit": hit, "crowd": crowd, "hold": hold, "keep": keep}[verb](ops, resource, user, int(count)))
