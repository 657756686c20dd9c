"""Live updates through a real PostgreSQL."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from ops_console.live import publish
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
