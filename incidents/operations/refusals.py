"""What a backend refuses is left as it was: a status that the retry had replaced is put back."""

from django.db import transaction
from django.db.models import F
from psycopg import sql

from incidents.operations.chunks import execute, locked_rows
from incidents.operations.models import OperationMark
from incidents.operations.queries import SourceUnavailable, parts_of
from incidents.operations.sources import SOURCES
from incidents.operations.sources.sql import SourceSql

MOST_AT_ONCE = 2_000


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
    with transaction.atomic():
        held = [i for i, row in locked_rows(parts, list(before)).items() if row["status"] == parts.source.retry_status]
        _restore(parts, held, [before[i] for i in held])
        # Rows that somebody has changed since, or that are locked while they change, are theirs.
        return refused.filter(operation_id__in=list(before)).update(status_before="")


def _restore(parts: SourceSql, ids: list[str], statuses: list[str]) -> None:
    status = sql.Identifier(parts.source.status_column)
    kind = sql.SQL(parts.live.columns[parts.source.status_column].type)
    execute(
        sql.SQL(
            "UPDATE {} AS e SET {} = new.status::{} "
            "FROM unnest(%(ids)s::{}[], %(statuses)s::text[]) AS new (id, status) WHERE {} = new.id"
        ).format(parts.table, status, kind, parts.id_type, parts.id),
        {"ids": ids, "statuses": statuses},
    )
