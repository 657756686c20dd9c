"""The client against a real database, on whichever versions of its dependencies are installed: `dev.py oldest`."""

import os
import time
from collections.abc import Iterator

import psycopg
import pytest

from ops_client import OpsClient
from ops_client.breaker.machine import BreakerConfig
from ops_client.errors import NotFound, StoreLate, StoreUnavailable
from ops_client.store import PostgresStore

DSN = os.environ["DATABASE_URL"]


@pytest.fixture
def ops() -> Iterator[OpsClient]:
    with OpsClient(DSN, service="oldest", snapshot_path=None, poll_seconds=600) as client:
        yield client


def test_configuration_is_read_and_listened_for(ops: OpsClient) -> None:
    """Every statement of the snapshot runs, and a change is heard."""
    assert ops.flags.is_enabled("unknown", default=True)
    assert (ops.status()["source"], ops.status()["listening"]) == ("database", True)
    before = ops.status()["revision"]
    deadline = time.monotonic() + 20
    with psycopg.connect(DSN, autocommit=True) as other:
        while ops.status()["revision"] == before:
            assert time.monotonic() < deadline, "the change was not heard"
            other.execute("DELETE FROM ops.flags_segment")
            time.sleep(0.1)


def test_work_is_tracked_and_its_counts_are_written(ops: OpsClient) -> None:
    """Statements with JSON, arrays and returned rows."""
    with ops.operations.track("assembly", "o-1", title="Épisode") as work:
        work.progress(0.5, "half")
    gemini = ops.breaker("gemini", BreakerConfig.consecutive(5, open_seconds=60))
    assert gemini.call(lambda: 7) == 7
    assert ops.quotas.usage("u1") == []
    with pytest.raises(NotFound):
        ops.quotas.hit("unknown", "u1")
    ops.close()
    with psycopg.connect(DSN) as other:
        found = other.execute("SELECT status FROM ops_v1.operation WHERE operation_id = 'o-1'").fetchone()
        ended = other.execute(
            "SELECT ended_as FROM ops_v1.instance WHERE id = %s", [ops.runtime.instance_id]
        ).fetchone()
    assert (found, ended) == (("succeeded",), ("closed",))


def test_waits_are_bounded() -> None:
    """By the server's timeout, and by the caller's own."""
    store = PostgresStore(DSN, statement_timeout_seconds=0.3)
    with pytest.raises(StoreUnavailable), store.transaction() as transaction:
        transaction._connection.execute("SELECT pg_sleep(20)")
    with psycopg.connect(DSN) as other:
        other.execute("LOCK TABLE ops.config_change")
        with pytest.raises(StoreLate):
            store.fetch("revision", within_seconds=0.1)
    assert store.fetch("revision")
    store.close()
