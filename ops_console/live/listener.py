"""The connection that listens. It is apart from Django's, which come and go with requests."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
from django.db import connections

from ops_console.live.topics import LIVE_CHANNEL, REFRESH, REVISION_CHANNEL, topics_of

# psycopg's notifies() waits on the socket alone: without keepalives a vanished server is never noticed.
_CONNECTION = {
    "application_name": "ops_console live",
    "connect_timeout": 3,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_LIBPQ = ("host", "port", "dbname", "user", "password", "passfile", "service", "options")
_SSL = ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding")


async def listen() -> AsyncIterator[set[str]]:
    """Topics as they change. The first is always `refresh`: what happened before it, nobody heard.

    Raises psycopg.OperationalError when the connection cannot be made or is lost.
    """
    connection = await psycopg.AsyncConnection.connect(autocommit=True, **_parameters())
    async with connection:
        for channel in (LIVE_CHANNEL, REVISION_CHANNEL):
            await connection.execute(f"LISTEN {channel}")  # constants of ours
        yield {REFRESH}
        async for notification in connection.notifies():
            topics = topics_of(notification.channel, notification.payload)
            if topics:
                yield topics


def _parameters() -> dict[str, Any]:
    given = connections["default"].get_connection_params()
    return {**{name: given[name] for name in (*_LIBPQ, *_SSL) if given.get(name)}, **_CONNECTION}
