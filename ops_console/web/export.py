"""A list as CSV, row by row as it is read, with nothing in it that a spreadsheet would run."""

import csv
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from ops_console.access.actor import actor_of
from ops_console.audit.services import record_export
from ops_console.web.keyset import FIRST_BATCH

# What starts a formula, also in full width: at the start of a cell, and after what a spreadsheet of another locale
# takes for the start of the next cell or row.
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"^(?=[{_SIGNS}\t\r\n])|(?<=[;\t\r\n])(?=[{_SIGNS}])")
# The first chunk is one first batch: it is sent before the second batch is read.
_ROWS_A_CHUNK = FIRST_BATCH


class _Echo:
    """The csv module's file: hands back what it is given."""

    def write(self, line: str) -> str:
        return line


def safe_cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return _FORMULA.sub("'", text)


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV in chunks of some rows, the first with the header."""
    writer = csv.writer(_Echo())
    chunk = [writer.writerow([safe_cell(cell) for cell in header])]
    for number, row in enumerate(rows, start=1):
        chunk.append(writer.writerow([safe_cell(cell) for cell in row]))
        if number % _ROWS_A_CHUNK == 0:
            yield "".join(chunk)
            chunk = []
    yield "".join(chunk)


def csv_response(
    request: HttpRequest, filename: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """A download of any length, recorded as an export; `filename` has no extension.

    Give `Keyset.rows(queryset)` for long ones.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", filename)
    record_export(actor_of(request), name, request.GET.urlencode())
    response = streamed(request, csv_lines(header, rows), "text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def streamed(request: HttpRequest, chunks: Iterator[str], content_type: str) -> StreamingHttpResponse:
    """An answer that is sent as it is made, under WSGI and ASGI."""
    body = _in_thread(chunks) if isinstance(request, ASGIRequest) else chunks
    return StreamingHttpResponse(body, content_type=content_type)


async def _in_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    # Django would collect a plain iterator whole before it sends anything under ASGI.
    read = sync_to_async(lambda: next(lines, None))
    while (chunk := await read()) is not None:
        yield chunk
