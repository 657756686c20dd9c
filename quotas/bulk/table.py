"""Overrides as a CSV table: an import reads what an export writes, and what spreadsheets make of it."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ops_console.errors import InvalidInput
from quotas import queries
from quotas.limits import show_limit

COLUMNS = ("user", "email", "resource", "limit", "expires_at", "reason")
# `email` is there for people: an export names both, and an import may leave it out.
_REQUIRED = ("user", "resource", "limit")
MOST_ROWS = 5_000
NEVER = "never"
_SEPARATORS = (",", ";", "\t")
# Excel's own first line, for a separator that is not the one of the reader's region.
_NAMED_SEPARATOR = re.compile(r'"?sep=(?P<separator>[^"\r\n]*)"?\n', re.IGNORECASE)
# An empty row of a spreadsheet holds its separators.
_BLANK_LINES = re.compile(r'(?:[ ,;\t"]*\n)*')


@dataclass(frozen=True)
class Asked:
    """A row as it was written. `user` is an id or a mail; `limit` may be relative (`+50%`), or `remove`.

    `expires_at` is ISO 8601 (UTC where it names no zone), `never`, or empty for the usual 7 days. `separator` is the
    table's.
    """

    line: int
    user: str
    resource: str
    limit: str
    expires_at: str = ""
    reason: str = ""
    separator: str = ","


def read_table(text: str) -> list[Asked]:
    """The rows of a CSV text with a header, separated by commas, semicolons or tabs; empty lines are passed over.

    Raises InvalidInput (field `file`).
    """
    # Universal newlines: a spreadsheet on a Mac may end lines by a carriage return alone.
    source = io.StringIO(text.removeprefix("\ufeff"), newline=None)
    plain = source.getvalue()
    start = _after_blank_lines(plain, 0)
    if named := _NAMED_SEPARATOR.match(plain, start):
        separator = _checked_separator(named["separator"], plain.count("\n", 0, start) + 1)
        start = _after_blank_lines(plain, named.end())
    else:
        separator = _separator_of(plain[start:])
    source.seek(start)
    lines_before = plain.count("\n", 0, start)
    reader = csv.DictReader(source, delimiter=separator, skipinitialspace=True)
    try:
        header = [name.strip().lower() for name in reader.fieldnames or []]
        reader.fieldnames = header
        _check_header(header)
        return _rows(reader, separator, lines_before)
    except csv.Error as error:
        line = reader.line_num + lines_before
        raise InvalidInput("file", f"file: line {line} cannot be read as CSV: {error}.") from error


def write_table(rows: Sequence[Asked]) -> str:
    """The rows as a CSV text that `read_table` reads, with the separator that they came with."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=rows[0].separator if rows else ",")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([row.user, "", row.resource, row.limit, row.expires_at, row.reason])
    return written.getvalue()


def export_rows() -> Iterator[list[str]]:
    """Every override in force, in the columns that an import reads."""
    for override, person in queries.every_override():
        ends = override.expires_at.isoformat() if override.expires_at else NEVER
        email = person.email if person else ""
        limit = show_limit(override.resource, override.limit)
        yield [override.user_id, email, override.resource_id, limit, ends, override.reason]


def _check_header(header: list[str]) -> None:
    missing = [name for name in _REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    if missing or unknown or len(set(header)) < len(header):
        raise InvalidInput("file", f"file: the first line names its columns: {','.join(COLUMNS)}.")


def _after_blank_lines(text: str, start: int) -> int:
    found = _BLANK_LINES.match(text, start)
    return found.end() if found else start


def _checked_separator(named: str, line: int) -> str:
    if named not in _SEPARATORS:
        raise InvalidInput("file", f"file: line {line}: sep= names {named[:10]!r}. Use a comma, a semicolon or a tab.")
    return named


def _separator_of(text: str) -> str:
    """The separator by which the header has most of the columns."""
    header = text.partition("\n")[0].lower()

    def known(separator: str) -> int:
        return sum(name.strip(' "') in COLUMNS for name in header.split(separator))

    return max(_SEPARATORS, key=known)


def _rows(reader: "csv.DictReader[str]", separator: str, lines_before: int) -> list[Asked]:
    rows: list[Asked] = []
    for raw in reader:
        cells = {name: (cell or "").strip().removeprefix("'") for name, cell in raw.items() if isinstance(name, str)}
        if None in raw:
            line = reader.line_num + lines_before
            hint = "Put a value that holds the separator in quotes."
            raise InvalidInput("file", f"file: line {line} has more cells than the header has columns. {hint}")
        if not any(cells.values()):
            continue
        if len(rows) == MOST_ROWS:
            raise InvalidInput("file", f"file: holds more than {MOST_ROWS:,} rows. Send it in parts.")
        cells.pop("email", None)
        rows.append(Asked(line=reader.line_num + lines_before, **cells, separator=separator))
    if not rows:
        raise InvalidInput("file", "file: holds no row below its header.")
    return rows
