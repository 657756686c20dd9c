"""What a backend refuses is left as it was: a status that the retry had replaced is put back."""

from django.db import transaction
from django.db.models import F
from psycopg import sql

from incidents.operations.models import WAS_EMPTY, WAS_NULL, OperationMark
from incidents.operations.queries import SourceUnavailable, parts_of
from incidents.operations.sources import SOURCES
from incidents.operations.sources.sql import SourceSql
from ops_console import foreign

MOST_AT_ONCE = 2_000
_STATUSES: dict[str, str | None] = {WAS_NULL: None, WAS_EMPTY: ""}


def put_back_refused() -> int:
    """Restore refused rows of every kind, some at a time; how many marks were settled."""
    return sum(_put_back(kind) for kind in SOURCES)


def _put_back(kind: str) -> int:
    refused = OperationMark.objects.filter(kind=kind, handled_version=F("version")).exclude(status_before="")
    before = dict(refused.values_list("operation_id", "status_before")[:MOST_AT_ONCE])
    if not before:
        return 0
    try:
        parts = parts_of(kind)
    except SourceUnavailable:
        return 0
    with transaction.atomic(using=foreign.ALIAS):
        held = _held(parts, list(before))
        _restore(parts, held, [_STATUSES.get(before[i], before[i]) for i in held])
    foreign.discard()
    # Rows that somebody has changed since, or that are locked while they change, are theirs. A worker that is killed
    # before this meets rows that are put back already the next time, and leaves them.
    return refused.filter(operation_id__in=list(before)).update(status_before="")


def _held(parts: SourceSql, ids: list[str]) -> list[str]:
    """Those that are as the retry left them and that nobody else holds, locked."""
    statement = sql.SQL(
        "SELECT {}::text FROM {} AS e WHERE {} = ANY(%(ids)s::{}[]) AND {}::text = %(status)s FOR UPDATE SKIP LOCKED"
    ).format(parts.id, parts.table, parts.id, parts.id_type, parts.column(parts.source.status_column))
    with foreign.cursor() as cursor:
        cursor.execute(statement, {"ids": ids, "status": parts.source.retry_status})
        return [operation_id for (operation_id,) in cursor.fetchall()]


def _restore(parts: SourceSql, ids: list[str], statuses: list[str | None]) -> None:
    column = parts.source.status_column
    statement = sql.SQL(
        "UPDATE {} AS e SET {} = new.status::{} "
        "FROM unnest(%(ids)s::{}[], %(statuses)s::text[]) AS new (id, status) WHERE {} = new.id"
    ).format(parts.table, sql.Identifier(column), sql.SQL(parts.live.columns[column].type), parts.id_type, parts.id)
    with foreign.cursor() as cursor:
        cursor.execute(statement, {"ids": ids, "statuses": statuses})
