"""The table itself: what an import reads is what an export writes."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ops_console.errors import InvalidInput
from quotas import queries
from quotas.limits import show_limit

COLUMNS = ("user", "email", "resource", "limit", "expires_at", "reason")
# `email` is there for people: an export names both, and an import may leave it out.
_REQUIRED = ("user", "resource", "limit")
MOST_ROWS = 5_000
FOR_GOOD = "for good"


@dataclass(frozen=True)
class Asked:
    """A row as it was written. `user` is an id or a mail; `limit` may be relative (`+50%`), or `remove`.

    `expires_at` is ISO 8601 (UTC where it names no zone), `for good`, or empty for the usual 7 days.
    """

    line: int
    user: str
    resource: str
    limit: str
    expires_at: str = ""
    reason: str = ""


def read_table(text: str) -> list[Asked]:
    """The rows of a CSV text with a header; empty lines are passed over. Raises InvalidInput (field `file`)."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), skipinitialspace=True)
    try:
        header = [name.strip().lower() for name in reader.fieldnames or []]
        reader.fieldnames = header
        _check_header(header)
        return _rows(reader)
    except csv.Error as error:
        raise InvalidInput("file", f"file: line {reader.line_num} cannot be read as CSV: {error}.") from error


def write_table(rows: Iterable[Asked]) -> str:
    """The rows as a CSV text that `read_table` reads."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([row.user, "", row.resource, row.limit, row.expires_at, row.reason])
    return written.getvalue()


def export_rows() -> Iterator[list[str]]:
    """Every override in force, in the columns that an import reads."""
    for override, person in queries.every_override():
        ends = override.expires_at.isoformat() if override.expires_at else FOR_GOOD
        email = person.email if person else ""
        limit = show_limit(override.resource, override.limit)
        yield [override.user_id, email, override.resource_id, limit, ends, override.reason]


def _check_header(header: list[str]) -> None:
    missing = [name for name in _REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing or unknown or len(set(header)) < len(header):
        raise InvalidInput("file", f"file: the first line names its columns: {','.join(COLUMNS)}.")


def _rows(reader: "csv.DictReader[str]") -> list[Asked]:
    rows: list[Asked] = []
    for raw in reader:
        cells = {name: (cell or "").strip().removeprefix("'") for name, cell in raw.items() if isinstance(name, str)}
        if None in raw:
            raise InvalidInput("file", f"file: line {reader.line_num} has more cells than the header has columns.")
        if not any(cells.values()):
            continue
        if len(rows) == MOST_ROWS:
            raise InvalidInput("file", f"file: holds more than {MOST_ROWS:,} rows. Send it in parts.")
        cells.pop("email", None)
        rows.append(Asked(line=reader.line_num, **cells))
    if not rows:
        raise InvalidInput("file", "file: holds no row below its header.")
    return rows
