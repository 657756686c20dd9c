"""What a client spends when one of 10,000 flags has changed in the database: from the read to the saved file.

In CPU milliseconds of its own process, the median of the rounds: with the rows that it holds, and by a full read.
"""

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks.propagation import prepare
from demo.dsn import BACKEND_ROLE, connection_info, database_name
from ops_client import lastgood
from ops_client.flags.compile import EMPTY, Snapshot, snapshot_from_rows
from ops_client.store import PostgresStore

FLAGS = 10_000
ROUNDS = 11
FILL = """
INSERT INTO ops.flags_flag (name, note, owner, languages, testing, superusers, staff, authenticated, rules, variants,
                            prerequisites, created, modified, version)
SELECT 'reloaded_' || n, 'What flag ' || n || ' is for', 'web', '', false, false, false, false,
       '[{"constraints": [{"field": "tier", "operator": "IN", "values": ["pro", "team"]}], "percent": 50}]',
       '[{"name": "blue", "weight": 500}, {"name": "red", "weight": 500}]', '[]', now(), now(), 1
FROM generate_series(1, %s) n ON CONFLICT DO NOTHING
"""
CHANGE = "UPDATE ops.flags_flag SET percent = %s, version = version + 1 WHERE name = 'reloaded_77'"


def reloading() -> dict[str, float]:
    """CPU milliseconds a revision. Needs DATABASE_URL of a superuser."""
    url = os.environ["DATABASE_URL"]
    prepare()
    backend = connection_info(url, user=BACKEND_ROLE, database=database_name(url))
    with psycopg.connect(connection_info(url, database=database_name(url)), autocommit=True) as owner:
        owner.execute(FILL, [FLAGS])
        owner.execute("VACUUM ANALYZE ops.flags_flag")
        with tempfile.TemporaryDirectory() as folder:
            changed = [_spent(owner, backend, Path(folder) / "kept.json", kept=True, number=n) for n in range(ROUNDS)]
            full = [_spent(owner, backend, Path(folder) / "full.json", kept=False, number=n) for n in range(ROUNDS)]
    return {
        "cpu_ms, one of 10,000 changed": round(statistics.median(changed), 1),
        "cpu_ms, all 10,000 read": round(statistics.median(full), 1),
    }


def _spent(owner: psycopg.Connection, backend: str, path: Path, *, kept: bool, number: int) -> float:
    store = PostgresStore(backend)
    encoded: lastgood.Encoded = {}
    before = _load(store, path, EMPTY, encoded) if kept else EMPTY
    owner.execute(CHANGE, [number])
    started = time.process_time()
    _load(store, path, before, encoded)
    spent = time.process_time() - started
    store.close()
    return spent * 1000


def _load(store: PostgresStore, path: Path, before: Snapshot, encoded: lastgood.Encoded) -> Snapshot:
    tables = store.snapshot(["revision", "flags", "segments"])
    revision = int(tables["revision"][0]["revision"])
    snapshot = snapshot_from_rows(tables["flags"], revision, (), before)
    lastgood.save(path, lastgood.LastGood(revision, tables), encoded)
    return snapshot


if __name__ == "__main__":
    print(json.dumps(reloading()))
