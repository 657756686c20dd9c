"""One process of the probe test: waits for the fleet's breaker to open, then calls without end until it closes.

`python -m tests.incidents.breakers.prober DSN DIRECTORY`. Every call that gets through is a line in `probes`, and
does not answer before the file `release` is there.
"""

import os
import sys
import time
from pathlib import Path

from ops_client import OpsClient
from ops_client.breaker.machine import BreakerConfig, Status
from ops_client.errors import BreakerOpen

CALLS_AFTER_PROBE = 200


def main(dsn: str, place: Path) -> None:
    ops = OpsClient(dsn, service="prober", snapshot_path=None, poll_seconds=0.2)
    breaker = ops.breaker("gemini", BreakerConfig.consecutive(2, open_seconds=600))
    with ops:
        wait_for(lambda: breaker.status() is Status.OPEN)
        line(place / "ready")
        refused = 0
        while breaker.status() is not Status.CLOSED:
            try:
                breaker.call(provider, place)
            except BreakerOpen:
                refused += (place / "probes").exists()
                if refused == CALLS_AFTER_PROBE:
                    line(place / "refused")
                time.sleep(0.001)


def provider(place: Path) -> None:
    line(place / "probes")
    # The prober itself is not refused: it says so at once.
    line(place / "refused")
    wait_for((place / "release").exists)


def line(path: Path) -> None:
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise SystemExit("waited in vain")
        time.sleep(0.005)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
