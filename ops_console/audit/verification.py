"""Whether the audit is what was sealed: reads every seal and entry once, and keeps only a few in memory.

Hashes are computed here, of columns: not by the functions of the database that made them.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db import connection, transaction

from ops_console.audit.sealing import SEALED_WITHIN_SECONDS
from ops_console.runtime.bounded_connection import without_bound

# As ops.audit_canonical() has it.
CANONICAL = (
    "pg_catalog.jsonb_build_array(1, e.id, extract(epoch FROM e.at), e.source, e.actor_id, e.actor, e.via,"
    " e.credential, e.action, e.target_type, e.target_id, e.target_label, e.reason, e.before, e.after,"
    " pg_catalog.host(e.address), e.request_id, e.database_role, e.transaction_id)::text"
)
# Nothing younger than 90 days leaves: an expiry that names such entries hides a removal. A seal spans a day at most.
_KEPT_SECONDS = 89 * 24 * 3600
_SEALS_A_READ = 20
_ENTRIES_A_READ = 5_000
Ranges = list[tuple[int, int]]


@dataclass(frozen=True)
class _Seal:
    id: int
    epoch: str
    kind: str
    newest_epoch: str
    ids_text: str
    digests: bytes
    previous: bytes
    hash: bytes

    @property
    def ids(self) -> Ranges:
        """From the form `{[1,5),[7,9)}`, each range without its end."""
        inner = self.ids_text.strip("{}")
        pairs = (part.strip("[)").split(",") for part in inner.split("),")) if inner else ()
        return [(int(low), int(high)) for low, high in pairs]

    def computed_hash(self) -> bytes:
        linked = f"{self.id}|{self.epoch}|{self.kind}|{self.newest_epoch}|{self.ids_text}|".encode()
        return hashlib.sha256(self.previous + linked + self.digests).digest()


@dataclass
class Report:
    """What was read, and what is wrong with it: `problems` of the chain, and ids by what happened to their entries."""

    seals: int = 0
    entries: int = 0
    head: str = ""
    unsealed: int = 0
    problems: list[str] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    inserted: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)

    def findings(self) -> list[str]:
        """Each finding in a sentence, with the ids."""
        named = (
            ("Removed", self.removed),
            ("Changed", self.changed),
            ("Inserted around the database's triggers", self.inserted),
            (f"Without a seal for more than {SEALED_WITHIN_SECONDS // 60} minutes", self.late),
        )
        return self.problems + [f"{what}: {_in_short(ids)}." for what, ids in named if ids]


def verify(heads: Iterable[tuple[int | None, str]] = ()) -> Report:
    """Compare all entries with the chain of seals, as of one moment.

    `heads` were kept outside the database: the number of a seal, or None for any, and its hash.
    """
    with without_bound(connection), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        report = Report()
        expired = _expired(cursor)
        batch: list[_Seal] = []
        for seal in _chain(cursor, report):
            if seal.kind == "entries":
                batch.append(seal)
            if sum(len(each.digests) for each in batch) >= _ENTRIES_A_READ * 32:
                _compare(cursor, batch, expired, report)
                batch = []
        _compare(cursor, batch, expired, report)
        _look_for_others(cursor, report)
        for number, head in heads:
            cursor.execute("SELECT id FROM ops.audit_seal WHERE hash = decode(%s, 'hex')", [head])
            found = cursor.fetchone()
            if not found or number not in (None, found[0]):
                report.problems.append(f"The head {head} that was kept outside the database is not in the chain.")
        return report


def _chain(cursor: Any, report: Report) -> Iterator[_Seal]:
    """Every seal in order; each must follow the one before it."""
    previous, number = b"", 0
    while True:
        cursor.execute(
            "SELECT id, extract(epoch FROM sealed_at)::text, kind, extract(epoch FROM newest_at)::text, ids::text,"
            " digests, previous, hash FROM ops.audit_seal WHERE id > %s ORDER BY id LIMIT %s",
            [number, _SEALS_A_READ],
        )
        rows = [_Seal(*row[:5], *map(bytes, row[5:])) for row in cursor.fetchall()]
        for seal in rows:
            if seal.id != number + 1:
                report.problems.append(f"Seals are missing: {_in_short(list(range(number + 1, seal.id)))}.")
            if seal.computed_hash() != seal.hash:
                report.problems.append(f"Seal {seal.id} was changed.")
            elif seal.previous != previous:
                report.problems.append(f"Seal {seal.id} does not follow the seal before it.")
            previous, number = seal.hash, seal.id
            report.seals += 1
            yield seal
        if len(rows) < _SEALS_A_READ:
            report.head = previous.hex()
            return


def _expired(cursor: Any) -> list[tuple[int, int, float]]:
    """The ranges of ids that retention let go, by id, with the time of the seal that says so."""
    cursor.execute(
        "SELECT lower(r), upper(r), extract(epoch FROM s.sealed_at)::float8 FROM ops.audit_seal s, unnest(s.ids) r"
        " WHERE s.kind = 'expiry' ORDER BY 1"
    )
    return list(cursor.fetchall())


def _compare(cursor: Any, seals: list[_Seal], expired: list[tuple[int, int, float]], report: Report) -> None:
    """Each entry of these seals with its digest."""
    expected: dict[int, tuple[bytes, float]] = {}
    ranges: Ranges = []
    for seal in seals:
        ids = [number for low, high in seal.ids for number in range(low, high)]
        if len(ids) * 32 != len(seal.digests):
            report.problems.append(f"Seal {seal.id} has not one digest for each entry.")
            continue
        ranges += seal.ids
        for position, number in enumerate(ids):
            expected[number] = seal.digests[position * 32 : position * 32 + 32], float(seal.newest_epoch)
    cursor.execute(
        f"SELECT e.id, {CANONICAL} FROM unnest(%s::int8[], %s::int8[]) AS r(low, high)"  # noqa: S608 - our own text
        " JOIN ops.audit_entry e ON e.id >= r.low AND e.id < r.high",
        [[low for low, _ in ranges], [high for _, high in ranges]],
    )
    for number, canonical in cursor:
        report.entries += 1
        digest, _ = expected.pop(number, (b"", 0.0))
        if hashlib.sha256(canonical.encode()).digest() != digest:
            report.changed.append(number)
    starts = [low for low, _, _ in expired]
    for number, (_, written_at) in expected.items():
        low, high, left_at = expired[bisect_right(starts, number) - 1] if expired else (0, 0, 0.0)
        if not low <= number < high or left_at - written_at < _KEPT_SECONDS:
            report.removed.append(number)


def _look_for_others(cursor: Any, report: Report) -> None:
    """Entries that no seal covers: new ones wait for theirs in a queue, which the database alone fills."""
    cursor.execute(
        """
        WITH gap AS (
            SELECT unnest('{(,)}'::int8multirange - coalesce(range_agg(r), '{}')) AS r
            FROM ops.audit_seal s, unnest(s.ids) r WHERE s.kind = 'entries'
        )
        SELECT e.id, u.entry_id IS NULL,
               e.at NOT BETWEEN now() - make_interval(secs => %s) AND now() + interval '1 minute'
        FROM gap JOIN ops.audit_entry e
            ON e.id >= coalesce(lower(gap.r), 0) AND e.id < coalesce(upper(gap.r), 9223372036854775807)
        LEFT JOIN ops.audit_unsealed u ON u.entry_id = e.id
        ORDER BY e.id
        """,
        [SEALED_WITHIN_SECONDS],
    )
    for number, is_foreign, is_late in cursor:
        report.unsealed += 1
        if is_foreign:
            report.inserted.append(number)
        elif is_late:
            report.late.append(number)


def _in_short(ids: list[int], most: int = 50) -> str:
    """`3, 7-9`; at most so many of them."""
    runs = [
        [number for _, number in run] for _, run in groupby(enumerate(sorted(ids)), key=lambda pair: pair[1] - pair[0])
    ]
    shown = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs[:most]]
    return ", ".join(shown) + (f" and {len(runs) - most:,} more ranges" if len(runs) > most else "")
