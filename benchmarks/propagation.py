"""From a toggle's commit in the console to its being seen by 8 backend processes, in milliseconds at p99.

The toggle is the console's own service in a Django process; the clock starts just before COMMIT is sent. A process
has seen it when `is_enabled` gives the new answer. Once with LISTEN, once with polling alone; the floor is a bare
NOTIFY heard by as many bare connections. What others document of theirs is listed, and is not measured here.
"""

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.followers import CHANNEL, FLAG, Follower, follow_by_client, follow_by_listening, followers
from benchmarks.report import Result, print_result
from demo.dsn import BACKEND_ROLE, connection_info, database_name

PROCESSES = 8
TOGGLES = 100
POLLED_TOGGLES = 25
DOCUMENTED_SECONDS = {"UnleashClient, polling": 15, "Flagsmith, polling": 60, "waffle's cache, at most": 300}

Toggle = Callable[[int], tuple[str, float]]


def measure() -> Result:
    """All three on one database. Needs DATABASE_URL of a superuser."""
    url = os.environ["DATABASE_URL"]
    backend = connection_info(url, user=BACKEND_ROLE, database=database_name(url))
    prepare()
    toggle = console_toggle()
    with followers(PROCESSES, follow_by_client, backend, True) as following:
        heard = delays(following, toggle, TOGGLES)
    with followers(PROCESSES, follow_by_client, backend, False) as following:
        polled = delays(following, toggle, POLLED_TOGGLES)
    with followers(PROCESSES, follow_by_listening, backend) as following:
        bare = delays(following, bare_toggle(backend), TOGGLES)
    details = {
        "p50_ms": percentile(heard, 50),
        "poll_only_p50_ms": percentile(polled, 50),
        "poll_only_p99_ms": percentile(polled, 99),
        "floor_p50_ms": percentile(bare, 50),
        "processes": PROCESSES,
        "documented_seconds": DOCUMENTED_SECONDS,
    }
    return Result("propagation", "ms (p99)", percentile(heard, 99), percentile(bare, 99), details=details)


def delays(following: list[Follower], toggle: Toggle, count: int) -> list[float]:
    """Milliseconds from commit to sight, for each toggle and process."""
    found = []
    for number in range(count):
        time.sleep(random.uniform(0.02, 0.12))  # so that no phase of anybody's poll is favoured
        value, committed_at = toggle(number)
        found += [(each.seen_at(value) - committed_at) * 1000 for each in following]
    return found


def percentile(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 2)


def prepare() -> None:
    """Roles, the podcast's tables, the console's, and the backend's rights, each by its own command."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ops_console.settings", "STATEMENT_TIMEOUT_SECONDS": "0"}
    steps = (
        ["-m", "demo.bootstrap"],
        ["manage.py", "migrate", "--no-input", "-v0", "--skip-checks"],
        ["manage.py", "grant_backend", BACKEND_ROLE],
    )
    for step in steps:
        subprocess.run([sys.executable, *step], env=environment, check=True, stdout=subprocess.DEVNULL)


def console_toggle() -> Toggle:
    """The console's own way to switch a flag, from a Django process."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ops_console.settings")
    django.setup()
    from django.db import transaction

    from flags import services
    from flags.models import Flag, State
    from ops_console.access.actor import SYSTEM

    flag = Flag.objects.filter(name=FLAG).first() or services.create(SYSTEM, FLAG, {})
    services.set_state(SYSTEM, flag.pk, State.OFF)

    def toggle(number: int) -> tuple[str, float]:
        on = number % 2 == 0
        with transaction.atomic():
            services.set_state(SYSTEM, flag.pk, State.ON if on else State.OFF)
            committed_at = time.monotonic()
        return str(on), committed_at

    return toggle


def bare_toggle(dsn: str) -> Toggle:
    """NOTIFY on a connection of its own."""
    import psycopg

    connection: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True)

    def notify(number: int) -> tuple[str, float]:
        committed_at = time.monotonic()
        connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(number)])
        return str(number), committed_at

    return notify


if __name__ == "__main__":
    print_result(measure())
