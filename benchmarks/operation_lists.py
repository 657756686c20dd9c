"""The operations' list at the server: whole pages by Django's own client, in every state, order and depth."""

import statistics
import time
from typing import Any
from urllib.parse import urlencode

from benchmarks.operation_rows import superuser

STATES = ("", "slow", "waiting", "in_progress", "failed", "resolved")
SORTS = ("since", "-since")
ROUNDS = 40
LIST = "/operations/"
OLDEST = """
SELECT id FROM public.episode AS e
WHERE status = 'processing' AND (processed_at AT TIME ZONE 'UTC') < now() - interval '2 hours'
ORDER BY (processed_at AT TIME ZONE 'UTC'), id LIMIT 51
"""


def measure_lists() -> dict[str, Any]:
    """Milliseconds a page. Needs Django and a filled table."""
    client = signed_in()
    pages = {
        f"{state or 'stuck'} {sort}": {"state": state, "sort": sort} for state in STATES for sort in ("since", "-since")
    }
    pages["one kind"] = {"kind": "episode_assembly"}
    depth, cursor = deep_cursor()
    pages[f"keyset at depth {depth:,}"] = {"kind": "episode_assembly", "cursor": cursor}
    client.get(LIST)
    began_at = time.process_time()
    taken = {name: [milliseconds(client, query) for _ in range(ROUNDS)] for name, query in pages.items()}
    every = [value for values in taken.values() for value in values]
    return {
        "p95_ms": percentile(every, 95),
        "p50_ms": percentile(every, 50),
        # What a page costs this process: on a machine that others use, the rest is waiting for its turn.
        "cpu_ms_a_page": round((time.process_time() - began_at) * 1000 / len(every), 1),
        "database_p95_ms": database_milliseconds(),
        "p95_ms_by_page": {name: percentile(values, 95) for name, values in taken.items()},
        "queries_a_page": queries_of(client),
        "floor_ms": floor(),
    }


def database_milliseconds() -> dict[str, float]:
    """What the database takes for the two statements of a page, list and counts, in each state."""
    from incidents.operations.listing import list_page
    from incidents.operations.queries import counts
    from incidents.operations.scope import Scope

    found = {}
    for state in (state or "stuck" for state in STATES):
        for name, read in (("list", list_page), ("counts", counts)):
            taken = []
            for _ in range(ROUNDS):
                began_at = time.monotonic()
                read(Scope(kind="", state=state))
                taken.append((time.monotonic() - began_at) * 1000)
            found[f"{state} {name}"] = percentile(taken, 95)
    return found


def one_page_seconds() -> tuple[float, bool]:
    """A page without the indexes, and whether it says which is missing."""
    client = signed_in()
    began_at = time.monotonic()
    body = client.get(LIST).content.decode()
    return round(time.monotonic() - began_at, 2), "CREATE INDEX CONCURRENTLY" in body


def milliseconds(client: Any, query: dict[str, str]) -> float:
    """One page, drawn whole."""
    began_at = time.monotonic()
    answer = client.get(f"{LIST}?{urlencode({name: value for name, value in query.items() if value})}")
    assert answer.status_code == 200, answer.status_code
    return (time.monotonic() - began_at) * 1000


def signed_in() -> Any:
    """A browser of an operator's, inside this process."""
    from django.test import Client

    from ops_console.access.models import User
    from tests.sessions import sign_in

    user, _ = User.objects.get_or_create(username="bench", defaults={"email": "bench@example.org", "role": "admin"})
    client = Client(headers={"host": "localhost"})
    sign_in(client, user)
    return client


def deep_cursor() -> tuple[int, str]:
    """Half way down the list of what is stuck."""
    from incidents.operations.listing import list_page
    from incidents.operations.scope import Scope
    from ops_console.web import Key, Keyset

    with superuser() as connection:
        rows = connection.execute(OLDEST.replace("LIMIT 51", "")).fetchall()
        middle = rows[len(rows) // 2][0]
    (row,) = list_page(Scope(state="any", ids=(str(middle),))).rows
    keyset = Keyset(Key("sort_at", "time"), Key("branch"), Key("operation_id"))
    at = {"sort_at": row.age_at, "branch": "episode_assembly", "operation_id": row.operation_id}
    return len(rows) // 2, keyset.write(at, backward=False)


def queries_of(client: Any) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    return len(captured)


def floor() -> float:
    """The bare statement for the fifty oldest, as plain as it can be."""
    with superuser() as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        taken = []
        for _ in range(ROUNDS):
            began_at = time.monotonic()
            connection.execute(OLDEST).fetchall()
            taken.append((time.monotonic() - began_at) * 1000)
    return round(statistics.median(taken), 2)


def percentile(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 1)
