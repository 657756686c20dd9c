"""Calls of providers on their way into the minutes that all processes add to."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.types.json import Jsonb

from ops_client.sql import statements
from tests import database
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"


def add(connection: psycopg.Connection, *providers: str) -> None:
    counts = dict.fromkeys(("attempts", "failures", "slow", "final_calls", "final_failures", "refused"), 1)
    rows = [{"provider": provider, "age_seconds": 3600, **counts} for provider in providers]
    connection.execute(statements()["add_provider_minutes"], {"rows": Jsonb(rows), "service": "tests"})


def test_processes_that_add_in_another_order_do_not_deadlock(backend_dsn: str) -> None:
    """Rows are locked in one order, however each process happens to hold its counts."""
    with (
        psycopg.connect(backend_dsn) as one,
        psycopg.connect(backend_dsn) as other,
        psycopg.connect(database.dsn(), autocommit=True) as watcher,
        ThreadPoolExecutor(1) as thread,
    ):
        add(one, "a", "b")
        one.commit()
        add(one, "a")
        late = thread.submit(add, other, "b", "a")
        until(lambda: watcher.execute(WAITING, [other.info.backend_pid]).fetchone() == (1,), 5, "the other to wait")
        add(one, "b")
        one.commit()
        late.result(5)
