"""What each page, list, export and periodic task costs as data grows.

`dev.py bench growth` fills a scratch database to three sizes by SQL and reads every address that the URL resolver
knows, in process. At the largest: 10,000 flags, 200,000 overrides, 1,000,000 audit entries, 2,000 processes, 200,000
users, 210,000 breaker reports, 100,000 operations. It prints a table (`--json`: one object) and exits with 1 unless
every goal holds. As `python -m benchmarks.growth` it needs DATABASE_URL of a superuser and an empty database.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from benchmarks.growth_rows import Size, fill
from benchmarks.operation_rows import prepare, run_as_owner, superuser
from benchmarks.operations import set_up_django, wanted
from benchmarks.report import machine, version_of

SHARES = (0.01, 0.1, 1.0)
ROUNDS = 8
# What took longer is not asked again: it is over its goal by far.
SLOW_SECONDS = 2.0
PAGE_MS, LIST_MS, FIRST_BYTE_MS = 150, 50, 500
PAGE_BYTES = 200_000
MEMORY_MB = 32
# Pages that may hold more, with the reason.
MORE_BYTES = {"api_docs": (300_000, "one page of reference with every call of the API, the same at any amount of data")}
# Pages of many panels, of which one is a list.
WITH_A_LIST = ("system", "breakers:page", "quotas:user")
# The smaller sizes are read for their queries: a few reads tell whether these grow.
ROUNDS_BEFORE_LAST = 2
# A periodic task may work for this share of its interval.
TASK_RATE = 0.05


@dataclass
class Cost:
    """What reads of one address took at one size: their p95 and, on a machine that others use, the best."""

    ms: float
    best_ms: float
    queries: int
    size_bytes: int
    memory_mb: float
    status: int = 200
    first_byte_ms: float | None = None


@dataclass
class Row:
    """An address or a task with its cost at each size."""

    name: str
    kind: str
    costs: list[Cost] = field(default_factory=list)
    goal_ms: float = PAGE_MS

    def faults(self) -> list[str]:
        """Every goal that does not hold."""
        last = self.costs[-1]
        found = []
        if last.status >= 400:
            found.append(f"status {last.status}")
        if self.kind != "export" and last.ms > self.goal_ms:
            found.append(f"{last.ms:.0f} ms > {self.goal_ms:.0f}")
        if last.first_byte_ms is not None and last.first_byte_ms > FIRST_BYTE_MS:
            found.append(f"first byte {last.first_byte_ms:.0f} ms")
        most_bytes = MORE_BYTES.get(self.name, (PAGE_BYTES, ""))[0]
        if self.kind in ("page", "list", "api") and last.size_bytes > most_bytes:
            found.append(f"{last.size_bytes // 1000} kB")
        # An export reads batch by batch and a task row by row: their queries grow with their rows. `table` says so.
        if self.kind not in ("task", "export") and last.queries > self.costs[0].queries and len(self.costs) > 1:
            found.append(f"queries {self.costs[0].queries} -> {last.queries}")
        if last.memory_mb > MEMORY_MB:
            found.append(f"{last.memory_mb:.0f} MB")
        return found


def measure(shares: Iterable[float], only: str, without: str, rounds: int) -> dict[str, Any]:
    """Fill and read, size by size."""
    os.environ |= {"STATEMENT_TIMEOUT_SECONDS": "120", "EMAIL_URL": "dummymail://", "LOG_LEVEL": "ERROR"}
    prepare()
    set_up_django()
    rows: dict[str, Row] = {}
    sizes: list[dict[str, int]] = []
    before = None
    make_reader()
    run_as_owner(wanted())
    shares = list(shares)
    for share in shares:
        with superuser() as connection:
            sizes.append(fill(connection, before, Size(share)))
            say(f"filled {sizes[-1]}")
            connection.execute("VACUUM (ANALYZE)")
        forget_schemas()
        before = Size(share)
        reads = rounds if share == shares[-1] else min(rounds, ROUNDS_BEFORE_LAST)
        for row, cost in read_all(rows, only, without, reads):
            row.costs.append(cost)
            say(f"{cost.ms:>10.1f} ms {cost.queries:>5} queries {cost.size_bytes / 1000:>9.1f} kB  {row.name}")
    return {
        "name": "growth",
        "sizes": sizes,
        "rows": [asdict(row) | {"faults": row.faults()} for row in rows.values()],
        "machine": machine() | {"django": version_of("django"), "psycopg": version_of("psycopg")},
    }


def forget_schemas() -> None:
    """Drops what the process knows of the foreign tables: a search reads a table whole while it is small."""
    from incidents.operations.sources import schema as sources
    from ops_console.directory import schema as directory

    sources.forget()
    directory.forget()


def make_reader() -> None:
    """An admin who reads, and the alert rules that alerts belong to."""
    from incidents.alerts import tasks
    from ops_console.access.models import User

    User.objects.create_superuser("bench", "bench@example.org", "x" * 20)
    tasks.look()


def read_all(rows: dict[str, Row], only: str, without: str, rounds: int) -> Iterable[tuple[Row, Cost]]:
    """Each address with its variants, then each task."""
    from django.test import Client

    from benchmarks.growth_pages import Address, addresses, variants
    from benchmarks.growth_samples import samples, searches
    from ops_console.access.models import User
    from tests.sessions import sign_in

    client = Client(raise_request_exception=False, headers={"host": "localhost"})
    sign_in(client, User.objects.get(username="bench"))
    api = Client(
        raise_request_exception=False,
        headers={"host": "localhost", "Authorization": f"Bearer {token('bench', 'admin')}"},
    )
    for address in addresses(samples()):
        if not named(address.name, only) or named(address.name, without):
            continue
        reader = api if address.name.startswith("api:") else client
        status, body = first_read(reader, address.path)
        if status in (302, 403, 405):
            continue  # not an address to read: it acts, or leads elsewhere
        offered = variants(address, body)
        if address.name == "search":
            offered = [Address(f"search q={text}", f"/search/?q={text}") for text in searches()]
        for one in [address, *offered]:
            cost = read(reader, one.path, rounds)
            yield row_of(rows, one.name, body, cost), cost
    if only == "*":
        yield from run_tasks(rows)


def named(name: str, patterns: str) -> bool:
    """Whether one of some patterns, set apart by commas, matches."""
    return any(fnmatch(name, pattern) for pattern in patterns.split(","))


def row_of(rows: dict[str, Row], name: str, body: str, cost: Cost) -> Row:
    is_list = 'class="pager"' in body and name.partition(" ")[0] not in WITH_A_LIST
    kind = "api" if name.startswith("api:") else "list" if is_list else "page"
    kind = "export" if cost.first_byte_ms is not None else kind
    return rows.setdefault(name, Row(name, kind, goal_ms=LIST_MS if kind == "list" else PAGE_MS))


def token(username: str, role: str) -> str:
    """An API token of somebody's, for some hours, with every scope."""
    from datetime import timedelta

    from django.utils import timezone

    from ops_console.access import tokens
    from ops_console.access.models import ApiToken, User
    from ops_console.access.scopes import SCOPES

    drawn = tokens.draw()
    ApiToken.objects.create(
        user=User.objects.get(username=username),
        name="growth",
        key=drawn.key,
        token_hash=drawn.token_hash,
        role=role,
        scopes=list(SCOPES),
        expires_at=timezone.now() + timedelta(hours=9),
    )
    return drawn.text


def first_read(client: Any, path: str) -> tuple[int, str]:
    """Also warms what a process keeps: templates, plans."""
    answer = client.get(path)
    body = "" if answer.streaming else answer.content.decode(errors="replace")
    return answer.status_code, body


def read(client: Any, path: str, rounds: int) -> Cost:
    """The p95 of some reads, with the bytes and memory of the first and the queries of the first two, if fewer.

    Once a minute a request notes when its session was last used.
    """
    from django.core.cache import cache

    from benchmarks.operation_lists import percentile

    cache.clear()  # the API's rate is not what is measured
    with statements() as captured:
        cost = one_read(client, path)
    cost.queries = sum(map(len, captured))
    if cost.first_byte_ms is not None or cost.ms > SLOW_SECONDS * 1000:
        return cost
    with statements() as captured:
        one_read(client, path)
    cost.queries = min(cost.queries, sum(map(len, captured)))
    taken = [one_read(client, path).ms for _ in range(rounds)]
    cost.ms, cost.best_ms = percentile(taken, 95), min(taken)
    return cost


@contextmanager
def statements() -> Iterator[list[Any]]:
    """What was asked meanwhile, over the console's connection and that of the backend's tables."""
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    with ExitStack() as stack:
        yield [stack.enter_context(CaptureQueriesContext(each)) for each in connections.all()]


def one_read(client: Any, path: str) -> Cost:
    before = reset_peak()
    began_at = time.monotonic()
    answer = client.get(path)
    first_byte_ms = None
    if answer.streaming:
        size = 0
        for chunk in answer.streaming_content:
            first_byte_ms = first_byte_ms or (time.monotonic() - began_at) * 1000
            size += len(chunk)
    else:
        size = len(answer.content)
    ms = (time.monotonic() - began_at) * 1000
    return Cost(round(ms, 1), round(ms, 1), 0, size, round(peak_mb() - before, 1), answer.status_code, first_byte_ms)


def run_tasks(rows: dict[str, Row]) -> Iterable[tuple[Row, Cost]]:
    """Every periodic task of beat, once."""
    from django.utils.module_loading import import_string

    from ops_console.celery import BEAT

    for name, interval_seconds in BEAT.items():
        row = rows.setdefault(name, Row(name, "task", goal_ms=interval_seconds * TASK_RATE * 1000))
        before, began_at = reset_peak(), time.monotonic()
        with statements() as captured:
            status = outcome(import_string(name))
        ms = (time.monotonic() - began_at) * 1000
        yield row, Cost(round(ms, 1), round(ms, 1), sum(map(len, captured)), 0, round(peak_mb() - before, 1), status)


def outcome(task: Any) -> int:
    """200, or 500 for a task that raised."""
    try:
        task()
    except Exception as error:  # noqa: BLE001 - the others are still to be measured
        say(f"{task.name}: {error!r}")
        return 500
    return 200


def reset_peak() -> float:
    """Forget this process's peak of memory; what it holds now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status_mb("VmRSS")


def peak_mb() -> float:
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def table(facts: dict[str, Any]) -> str:
    """For people: what is over a goal first, then by time."""
    lines = [f"growth ({', '.join(f'{name} {value}' for name, value in facts['machine'].items())})"]
    lines += ["  " + ", ".join(f"{rows:,} {name}" for name, rows in size.items()) for size in facts["sizes"]]
    lines.append(
        f"{'p95 ms at each size':>34} {'best ms':>9} {'queries':>14} {'kB':>8} {'MB':>6}"
        "  kind, address, what is over its goal"
    )
    for row in sorted(facts["rows"], key=lambda row: (not row["faults"], -row["costs"][-1]["ms"])):
        costs = row["costs"]
        ms = " ".join(f"{cost['ms']:>10.1f}" for cost in costs)
        queries = " ".join(f"{cost['queries']:>5}" for cost in costs)
        last = costs[-1]
        size, memory = last["size_bytes"] / 1000, last["memory_mb"]
        faults = f"  OVER: {'; '.join(row['faults'])}" if row["faults"] else ""
        best = f"{last['best_ms']:>9.1f} {queries:>14} {size:>8.1f} {memory:>6.1f}"
        lines.append(f"{ms:>34} {best}  {row['kind']} {row['name']}{faults}")
    lines.append("Exports and tasks read batch by batch: their queries may grow with their rows and are no fault here.")
    lines += [f"{name} may hold {most // 1000} kB: {reason}." for name, (most, reason) in MORE_BYTES.items()]
    over = sum(bool(row["faults"]) for row in facts["rows"])
    lines.append(f"{over} of {len(facts['rows'])} are over a goal." if over else "Every goal holds.")
    return "\n".join(lines)


def say(text: str) -> None:
    """Progress, for who waits."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", default=",".join(map(str, SHARES)), help="sizes, as shares of the largest")
    parser.add_argument("--only", default="*", help="URL names to read, as patterns: overview,flags:*")
    parser.add_argument("--without", default="", help="URL names not to read, as patterns: operations:*,sweep:*")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    facts = measure(
        [float(share) for share in arguments.shares.split(",")], arguments.only, arguments.without, arguments.rounds
    )
    print(json.dumps(facts) if arguments.json else table(facts))
    return 1 if any(row["faults"] for row in facts["rows"]) else 0


if __name__ == "__main__":
    sys.exit(main())
