"""Seals over the audit: every minute what no seal covers yet, with the head of the chain kept outside the database."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePosixPath

import fsspec
import structlog
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

log = structlog.get_logger(__name__)
# An entry that has no seal after this long is a finding of `verify_audit`.
SEALED_WITHIN_SECONDS = 300
# More entries than this without a seal are not counted for a page.
_MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Head:
    """The newest seal: whoever knows its hash can tell whether the chain up to it was changed since."""

    seal: int
    sealed_at: datetime
    entries: int
    head: str


@dataclass(frozen=True)
class Standing:
    """Where sealing stands: the newest seal, and the entries that have none. `late`: one of them waits for too long."""

    database_version: str
    seal: int | None
    sealed_at: datetime | None
    head: str
    unsealed: int
    late: bool

    @property
    def unsealed_text(self) -> str:
        return f"over {_MOST_COUNTED:,}" if self.unsealed > _MOST_COUNTED else f"{self.unsealed:,}"


def seal_all() -> int:
    """Seal what is visible and has no seal; how many entries that were. Raises OSError where a head was not stored."""
    sealed = 0
    failure: Exception | None = None
    for head in iter(_seal_some, None):
        sealed += head.entries
        log.info("audit sealed", seal=head.seal, entries=head.entries, head=head.head)
        try:
            _store(head)
        except Exception as error:  # whatever a file system of fsspec raises; the entries are sealed all the same
            log.exception("audit head not stored", seal=head.seal)
            failure = error
    if failure:
        raise OSError(f"The head of the audit was not stored at AUDIT_HEAD_URL: {failure}") from failure
    return sealed


def stored_heads() -> Iterator[tuple[int, str]]:
    """Seal and hash of the last head that was stored on each day."""
    system, root = fsspec.url_to_fs(settings.AUDIT_HEAD_URL)
    last_of_day = {
        str(PurePosixPath(path).parent): path for path in sorted(system.find(root)) if path.endswith(".json")
    }
    for path in last_of_day.values():
        stored = json.loads(system.cat_file(path))
        yield int(stored["seal"]), str(stored["head"])


def standing() -> Standing:
    """For the System page, with the version of PostgreSQL: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT current_setting('server_version'), s.id, s.sealed_at, coalesce(encode(s.hash, 'hex'), ''),
                   (SELECT count(*) FROM (SELECT FROM ops.audit_unsealed LIMIT %s) counted),
                   EXISTS (SELECT FROM ops.audit_entry e
                           WHERE e.id = (SELECT min(entry_id) FROM ops.audit_unsealed)
                             AND e.at < now() - make_interval(secs => %s))
            FROM (SELECT) AS one LEFT JOIN LATERAL (
                SELECT id, sealed_at, hash FROM ops.audit_seal ORDER BY id DESC LIMIT 1
            ) s ON true
            """,
            [_MOST_COUNTED + 1, SEALED_WITHIN_SECONDS],
        )
        return Standing(*cursor.fetchone())


def _seal_some() -> Head | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT seal, sealed_at, entries, head FROM ops.seal_audit()")
        row = cursor.fetchone()
    return Head(*row) if row else None


def _store(head: Head) -> None:
    """One object for each seal, which replaces none: an object store can forbid that they are changed."""
    if settings.AUDIT_HEAD_URL:
        folder = f"{settings.AUDIT_HEAD_URL.rstrip('/')}/{head.sealed_at:%Y/%m/%d}"
        system, path = fsspec.url_to_fs(f"{folder}/{head.seal:012}.json")
        system.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        system.pipe_file(path, json.dumps(asdict(head), cls=DjangoJSONEncoder).encode(), mode="create")
