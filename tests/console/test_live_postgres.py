"""Live updates through a real PostgreSQL."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from ops_console.live import listener, publish
from ops_console.live.listener import listen

pytestmark = pytest.mark.django_db(transaction=True)


def heard(act: Callable[[], None], until: str = "system") -> list[set[str]]:
    """Topics heard while `act` runs in another thread, up to and with the first that names `until`."""

    async def hear() -> list[set[str]]:
        found: list[set[str]] = []
        async for topics in listen():
            if topics == {"refresh"}:
                threading.Thread(target=_run, args=[act]).start()
                continue
            found.append(topics)
            if until in topics:
                return found
        return found

    return asyncio.run(asyncio.wait_for(hear(), 10))


def _run(act: Callable[[], None]) -> None:
    try:
        act()
    finally:
        connection.close()


def test_what_is_published_is_heard() -> None:
    """A published topic reaches the listener."""
    assert heard(lambda: publish("system")) == [{"system"}]


def test_nothing_is_heard_of_a_change_that_was_rolled_back() -> None:
    """A topic published in a transaction is told at its commit, and only then."""

    def act() -> None:
        with transaction.atomic():
            publish("operations")
            transaction.set_rollback(True)
        publish("system")

    assert heard(act) == [{"system"}]


def test_progress_is_told_at_most_so_often() -> None:
    """A hundred steps of progress within a second are one notification."""

    def act() -> None:
        for _ in range(100):
            publish("telemetry", at_most_every_seconds=60)
        publish("system")

    assert heard(act) == [{"telemetry"}, {"system"}]


def test_a_topic_that_nobody_can_follow_is_an_error() -> None:
    """A slip of the pen does not go unnoticed."""
    with pytest.raises(ValueError, match="no live topic 'flag'"):
        publish("flag")


def test_a_frozen_database_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that does not answer any more, as in a frozen server, ends the listening; silence alone does not."""

    monkeypatch.setattr(listener, "CHECK_SECONDS", 0.5)
    monkeypatch.setattr(listener, "ANSWER_SECONDS", 0.5)

    async def hear() -> None:
        listening = listen()
        assert await anext(listening) == {"refresh"}
        pid = await sync_to_async(_listening_pid)()
        waiting = asyncio.ensure_future(anext(listening))
        # Three probes are answered.
        await asyncio.wait({waiting}, timeout=1.7)
        assert not waiting.done()
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(psycopg.OperationalError, match="no answer"):
                await asyncio.wait_for(waiting, 20)
        finally:
            os.kill(pid, signal.SIGCONT)

    asyncio.run(hear())


def _listening_pid() -> int:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'ops_console live'"
                " AND datname = current_database() ORDER BY backend_start DESC LIMIT 1"
            )
            return int(cursor.fetchone()[0])
    finally:
        connection.close()
