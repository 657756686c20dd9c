"""Telling users that their work failed: a row in the backend's own table at once, one mail a user at the end."""

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from incidents.operations.sources.schema import live_table
from incidents.operations.sources.sql import SourceSql
from ops_console import foreign
from ops_console.contract.grants import ForeignGrant

SCHEMA, TABLE = "public", "notification"
COLUMNS = ("id", "user_id", "type", "title", "body", "created_at")
TYPE = "operation_failed"

_TOLD = """told AS (
    INSERT INTO public.notification (id, user_id, type, title, body, created_at)
    SELECT gen_random_uuid(), CASE WHEN j.owner_id ~ {can_own} THEN j.owner_id END::{owner}, %(told_type)s,
           left(format('Your %%s "%%s" could not be finished', %(told_word)s::text, coalesce(j.title, '')), 200),
           'It took far too long and was stopped. Nothing that you uploaded is lost: you can start it again.',
           {now}
    FROM judged AS j WHERE j.why IS NULL AND j.owner_id ~ {can_own}
)"""
# What backends track may be of anybody: only an id that the column can hold is somebody to tell.
_IDS = {
    "uuid": "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$",
    "integer": "^[0-9]{1,9}$",
    "bigint": "^[0-9]{1,18}$",
}
# Of operations that backends track: they are changed on another connection.
_TELL = """
WITH judged AS (SELECT owner_id, title, NULL::text[] AS why FROM json_to_recordset(%(who)s::json) AS w
    (owner_id text, title text)), {} SELECT
"""


def tell(parts: SourceSql, who: str) -> None:
    """Tell the users of operations that backends track, in the caller's transaction on the table's connection."""
    for statement, params in told(parts):
        with foreign.cursor() as cursor:
            cursor.execute(sql.SQL(_TELL).format(statement), {**params, "who": who})


def told(parts: SourceSql) -> Iterator[tuple[sql.Composable, dict[str, Any]]]:
    """What goes into the same statement as the failure: the user is told exactly what the row says."""
    if not why_not_told():
        live = live_table(SCHEMA, TABLE)
        # The table's times are naive and in UTC, whatever the session's zone.
        now = "now()" if live.columns["created_at"].type == "timestamp with time zone" else "now() AT TIME ZONE 'UTC'"
        owner = live.columns["user_id"].type
        can_own = sql.Literal(_IDS.get(owner, "."))
        yield (
            sql.SQL(_TOLD).format(owner=sql.SQL(owner), can_own=can_own, now=sql.SQL(now)),
            {"told_type": TYPE, "told_word": parts.source.user_word},
        )


def why_not_told() -> str:
    """Why no row can be put into the backend's table here; "" if it can."""
    live = live_table(SCHEMA, TABLE)
    if not live.columns:
        return f"There is no table {SCHEMA}.{TABLE} in this database: users are told by mail alone."
    lacking = [name for name in COLUMNS if name not in live.columns or not live.columns[name].insertable]
    if lacking:
        return f"{SCHEMA}.{TABLE}.{lacking[0]} may not be written: users are told by mail alone."
    return ""


def grants() -> list[ForeignGrant]:
    """What the role of the backend's tables needs on that one: to add rows, and not to read them."""
    return [ForeignGrant("INSERT", f"{SCHEMA}.{TABLE}", COLUMNS)]
