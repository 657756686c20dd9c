"""Times that Python cannot hold are read as the nearest that it can, so that no row of any table fails a page.

PostgreSQL has years 4713 BC to 294276 and two infinities; foreign tables may hold any of them. The outermost days of
Python's calendar are left out too: another time zone would lead past its end.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.types.datetime import DateLoader, TimestampLoader

_MARGIN = timedelta(days=2)
EARLIEST, LATEST = datetime.min + _MARGIN, datetime.max - _MARGIN


class ReadableTimestamptzLoader(BaseTzLoader):
    timezone = UTC  # what Django compares with its connection's, which is always UTC

    def load(self, data: Any) -> datetime:
        try:
            return _within(super().load(data))
        except psycopg.DataError:
            return _end_of(data).replace(tzinfo=UTC)


class ReadableTimestampLoader(TimestampLoader):
    def load(self, data: Any) -> datetime:
        try:
            return _within(super().load(data))
        except psycopg.DataError:
            return _end_of(data)


class ReadableDateLoader(DateLoader):
    def load(self, data: Any) -> date:
        try:
            return super().load(data)
        except psycopg.DataError:
            return _end_of(data).date()


def register(connection: psycopg.Connection[Any]) -> None:
    """Have this connection's cursors read all times so."""
    connection.adapters.register_loader("timestamptz", ReadableTimestamptzLoader)
    connection.adapters.register_loader("timestamp", ReadableTimestampLoader)
    connection.adapters.register_loader("date", ReadableDateLoader)


def _within(moment: datetime) -> datetime:
    if 1 < moment.year < 9999:
        return moment
    return min(max(moment, EARLIEST.replace(tzinfo=moment.tzinfo)), LATEST.replace(tzinfo=moment.tzinfo))


def _end_of(data: Any) -> datetime:
    text = bytes(data)
    return EARLIEST if text.startswith(b"-") or text.endswith(b"BC") else LATEST
