"""The last known good configuration on disk: what a process starts from when the database is unreachable.

Write access to the file is control over flags and limits. So directory, file and key must belong to this user, and
nobody else may write them; the key, which lies beside the file, seals its content.
"""

import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ops_client.dsn import without_password
from ops_client.text import is_storable

logger = logging.getLogger("ops_client")
FORMAT = "ops_client.snapshot.2"
MOST_BYTES = 256 * 1024 * 1024
_KEY_BYTES = 32
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class LastGood:
    """A snapshot as it was saved: the tables' rows by statement, with their revision."""

    revision: int
    tables: dict[str, list[dict[str, Any]]]


def default_path(service: str, dsn: str) -> Path | None:
    """A file in the user's own cache directory, one per service and database. Its name holds no secret.

    None for a user without a home, as containers have them: `OPS_SNAPSHOT_DIR` then names the place.
    """
    base = os.environ.get("OPS_SNAPSHOT_DIR") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    digest = hashlib.sha256(f"{service}\n{without_password(dsn)}".encode()).hexdigest()[:12]
    try:
        return Path(base).expanduser() / "ops_client" / f"{digest}.json"
    except RuntimeError:
        logger.warning("ops_client: this user has no home: set OPS_SNAPSHOT_DIR to keep snapshots.")
        return None


# Rows that were encoded before, by identity, with the row itself so that its identity is not given to another one.
Encoded = dict[int, tuple[dict[str, Any], str]]


def save(path: Path, snapshot: LastGood, encoded: Encoded | None = None) -> None:
    """Write the whole file beside its place and move it there, so that no process reads an incomplete file.

    `encoded` is the caller's to keep from one call to the next: a row that is the same object is not encoded again.
    """
    body = _body(snapshot, {} if encoded is None else encoded)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _require_own(path.parent, path.parent.stat())
        seal = _seal(_key(path, make=True), body)
        _replace(path, json.dumps({"format": FORMAT, "seal": seal, "body": body}).encode())
    except (OSError, ValueError) as error:
        logger.warning("ops_client: the snapshot could not be saved to %s: %s", path, error)


def _body(snapshot: LastGood, encoded: Encoded) -> str:
    """Row by row: encoding ten thousand in one call would keep every other thread waiting."""
    before = encoded.copy()
    encoded.clear()
    for rows in snapshot.tables.values():
        for row in rows:
            encoded[id(row)] = before.get(id(row)) or (row, json.dumps(row, default=_plain))
    tables = [
        f"{json.dumps(name)}: [{', '.join([encoded[id(row)][1] for row in rows])}]"
        for name, rows in snapshot.tables.items()
    ]
    return f'{{"revision": {snapshot.revision}, "tables": {{{", ".join(tables)}}}}}'


def _replace(path: Path, content: bytes) -> None:
    with _beside(path, content) as temporary:
        temporary.replace(path)


@contextmanager
def _beside(path: Path, content: bytes) -> Iterator[Path]:
    """A file with this content in the same directory, for its owner alone; removed where it is still there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def load(path: Path) -> LastGood | None:
    """The saved snapshot. None where there is none, or it is torn, not ours or could be another user's.

    Which of these it was is logged.
    """
    try:
        _require_own(path.parent, path.parent.stat())
        document = json.loads(_read_own(path, MOST_BYTES))
        if document["format"] != FORMAT:
            raise ValueError("its format is another one")
        if not hmac.compare_digest(document["seal"], _seal(_key(path, make=False), document["body"])):
            raise ValueError("its seal is not right")
        body = json.loads(document["body"])
        if not is_storable(body):
            raise ValueError("it is nested too deeply, or holds a number or a text that no configuration has")
        return LastGood(revision=int(body["revision"]), tables=dict(body["tables"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        logger.warning("ops_client: the snapshot file %s is ignored: %s", path, error)
        return None


_EXCLUSIVELY = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def _key(path: Path, make: bool) -> bytes:
    """The key that lies beside the file. Raises ValueError or OSError where there is none that can be trusted."""
    place = path.with_name(f"{path.name}.key")
    if make and not place.exists():
        # Linked when it is whole: of several processes that start at once one makes it, and all read the same.
        key = secrets.token_bytes(_KEY_BYTES)
        with _beside(place, key) as temporary:
            try:
                os.link(temporary, place)
            except FileExistsError:
                pass
            except OSError:
                # A file system without hard links. Whoever reads it before it is written finds no key, and tries again.
                with suppress(FileExistsError), os.fdopen(os.open(place, _EXCLUSIVELY, 0o600), "wb") as file:
                    file.write(key)
    key = _read_own(place, _KEY_BYTES)
    if len(key) != _KEY_BYTES:
        raise ValueError(f"its key {place} is not one")
    return key


def _read_own(path: Path, most_bytes: int) -> bytes:
    """A file's content. Raises ValueError for one that is a link, another user's, writable by others or too large."""
    # Opening a pipe would block until it has a writer.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{path} is no file")
        _require_own(path, found)
        if found.st_size > most_bytes:
            raise ValueError(f"{path} has more than {most_bytes:,} bytes")
        return file.read(most_bytes)


def _require_own(path: Path, found: os.stat_result) -> None:
    """Raises ValueError unless it belongs to this user and nobody else may write it. Windows has no such bits."""
    if os.name != "posix":
        return
    if found.st_uid != os.geteuid():
        raise ValueError(f"{path} belongs to another user")
    if found.st_mode & _OTHERS_WRITE:
        raise ValueError(f"{path} can be written by others: chmod go-w")


def _seal(key: bytes, body: str) -> str:
    return hmac.digest(key, body.encode("utf-8", "surrogatepass"), "sha256").hex()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
