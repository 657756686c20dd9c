"""Operations that backends track themselves: one table for all kinds, each kind with its own limit."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from psycopg import sql

from incidents.operations.sources.base import Source
from incidents.operations.sources.schema import KnownKind, LiveTable
from incidents.operations.sources.sql import SourceSql

# All tracked kinds at once, in lists.
ALL_TRACKED = "tracked"


class TrackedSource(Source):
    """One kind, or all of them. What a worker writes is conditional on its version, so nothing of it comes late."""

    schema = "ops"
    table = "operations_trackedoperation"
    id_column = "operation_id"
    owner_column = "owner_id"
    title_column = "title"
    status_column = "status"
    age_column = "queued_at"
    heartbeat_column = "heartbeat_at"
    meta_column = "failure"
    payload_columns = ("payload",)
    in_progress = ("running",)
    waiting = ("queued",)
    failed = ("failed",)
    retry_status = "queued"
    fail_status = "failed"
    done_status = "succeeded"
    ended_column = "finished_at"
    resource_columns = ("resources",)

    def __init__(self, known: KnownKind | None = None) -> None:
        self.kind = known.kind if known else ALL_TRACKED  # type: ignore[misc]
        self.label = self.kind.replace("_", " ")  # type: ignore[misc]
        self.plural = f"operations of {self.label}" if known else "tracked operations"  # type: ignore[misc]
        self.providers = known.providers if known else ()  # type: ignore[misc]
        self._dead_after_seconds = known.dead_after_seconds if known else 60

    @property
    def stuck_after_seconds(self) -> int:
        return self._dead_after_seconds

    def payload(self, row: Mapping[str, Any]) -> dict[str, Any]:
        # Django's connections hand JSON out as the text that it is.
        return dict(json.loads(row["payload"]))


class TrackedSql(SourceSql):
    """Lists go through the kinds, `k`, so that each has its own limit and its own part of an index."""

    def __init__(self, source: TrackedSource, live: LiveTable, alias: str = "e") -> None:
        super().__init__(source, live, alias)
        # Read together with the backend's own tables, and written as ours.
        self.table, self.alias = sql.Identifier("ops_sources", "tracked_operation"), DEFAULT_DB_ALIAS

    @property
    def kind(self) -> sql.Composable:
        return sql.SQL("e.kind")

    @property
    def limit(self) -> sql.Composable:
        return sql.SQL("make_interval(secs => k.dead_after_seconds)")

    @property
    def attempts(self) -> sql.Composable:
        return sql.SQL("e.attempt")

    @property
    def error(self) -> sql.Composable:
        return sql.SQL("nullif(coalesce(e.failure ->> 'error_reason', concat_ws(': ', {}, {})), '')").format(
            sql.SQL("nullif(e.error_type, '')"), sql.SQL("nullif(e.error_message, '')")
        )

    @property
    def error_group(self) -> sql.Composable:
        return sql.SQL("e.error_group")

    def serves_group(self, state: str) -> bool:
        return state == "failed"

    @property
    def worker(self) -> sql.Composable | None:
        return sql.SQL("e.worker")

    @property
    def tier(self) -> sql.Composable | None:
        return sql.SQL("e.tier")

    def every_column(self) -> sql.Composable:
        return sql.SQL("e.*")

    def more(self) -> sql.Composable:
        return sql.SQL(
            "e.worker AS worker, e.progress_rate, e.progress_note, e.expected_at, "
            "coalesce(left({}, 300), '') AS error, e.error_group"
        ).format(self.error)

    def _age(self) -> sql.Composable:
        return sql.SQL("coalesce(e.started_at, e.queued_at)")
