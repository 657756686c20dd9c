"""The connection that listens. It is apart from Django's, which come and go with requests."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
from django.db import connections

from ops_client.connections import KEEPALIVE
from ops_console.live.topics import LIVE_CHANNEL, REFRESH, REVISION_CHANNEL, topics_of

_CONNECTION = {**KEEPALIVE, "application_name": "ops_console live", "connect_timeout": 3}
# A listener hears nothing for hours: whether the server still answers has to be asked.
# Together they bound how long an open page shows nothing of a database that stopped answering.
CHECK_SECONDS = 1.5
ANSWER_SECONDS = 2.0
_LIBPQ = ("host", "port", "dbname", "user", "password", "passfile", "service", "options")
_SSL = ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding")


async def listen() -> AsyncIterator[set[str]]:
    """Topics as they change. The first is always `refresh`: what happened before it, nobody heard.

    Raises psycopg.OperationalError when the connection cannot be made or is lost.
    """
    connection = await psycopg.AsyncConnection.connect(autocommit=True, **_parameters())
    async with connection:
        for channel in (LIVE_CHANNEL, REVISION_CHANNEL):
            await _answered(connection, f"LISTEN {channel}")  # constants of ours
        yield {REFRESH}
        while True:
            async for notification in connection.notifies(timeout=CHECK_SECONDS):
                topics = topics_of(notification.channel, notification.payload)
                if topics:
                    yield topics
            await _answered(connection, "SELECT 1")


async def _answered(connection: psycopg.AsyncConnection[Any], statement: str) -> None:
    asked = asyncio.ensure_future(connection.execute(statement.encode()))
    done, _ = await asyncio.wait({asked}, timeout=ANSWER_SECONDS)
    if not done:
        # Closed first: psycopg would ask a server that does not answer to cancel the statement, and wait for it.
        connection.pgconn.finish()
        asked.cancel()
        await asyncio.wait({asked})
        raise psycopg.OperationalError(f"no answer within {ANSWER_SECONDS:g} s")
    await asked


def _parameters() -> dict[str, Any]:
    given = connections["default"].get_connection_params()
    return {**{name: given[name] for name in (*_LIBPQ, *_SSL) if given.get(name)}, **_CONNECTION}
