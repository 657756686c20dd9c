"""The last known good configuration on disk: what a process starts from when the database is away."""

import hashlib
import json
import logging
import os
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ops_client.dsn import without_password

logger = logging.getLogger("ops_client")
FORMAT = "ops_client.snapshot.1"


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
    """Write the whole file beside its place and move it there, so that nobody ever reads half of one.

    `encoded` is the caller's to keep from one call to the next: a row that is the same object is not encoded again.
    """
    body = _body(snapshot, {} if encoded is None else encoded)
    text = json.dumps({"format": FORMAT, "sha256": _digest(body), "body": body})
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(path, text)
    except OSError as error:
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


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    finally:
        # Still there only where the disk was full, or the like.
        Path(name).unlink(missing_ok=True)


def load(path: Path) -> LastGood | None:
    """The saved snapshot, or None where there is none or the file is torn or not ours; says which in the log."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT or document["sha256"] != _digest(document["body"]):
            raise ValueError("its format or checksum is not right")
        body = json.loads(document["body"])
        return LastGood(revision=int(body["revision"]), tables=dict(body["tables"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("ops_client: the snapshot file %s is ignored: %s", path, error)
        return None


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
