"""CSV: nothing in it runs in a spreadsheet, and it is sent as it is read."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.test import RequestFactory

from ops_console.web import csv_response, export
from ops_console.web.export import csv_lines, safe_cell
from ops_console.web.keyset import FIRST_BATCH


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_formulas_become_text(start: str) -> None:
    """A cell that a spreadsheet would run begins with an apostrophe."""
    assert safe_cell(f"{start}SUM(A1)") == f"'{start}SUM(A1)"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a;=1", "a;'=1"),
        ("a;\uff1d1", "a;'\uff1d1"),
        ("a\n-1", "a\n'-1"),
        ("a\t@x", "a\t'@x"),
        ("a;b", "a;b"),
        ("a\r\nb",) * 2,
    ],
)
def test_a_cell_holds_no_formula_for_another_locale(value: str, cell: str) -> None:
    """Where semicolons separate cells, the rest of a text after one is a cell of its own."""
    assert safe_cell(value) == cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [(-5, -5), (None, ""), ("a=b", "a=b"), (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00")],
)
def test_everything_else_stays(value: Any, cell: Any) -> None:
    """Negative numbers stay numbers, times are exact, text keeps its inner signs."""
    assert safe_cell(value) == cell


def test_rows_are_sent_as_they_are_read() -> None:
    """The first chunk is out before the last row has been read."""
    read: list[int] = []

    def rows() -> Iterator[list[int]]:
        for n in range(1000):
            read.append(n)
            yield [n]

    first = next(csv_lines(["n"], rows()))
    assert first.startswith("n\r\n0\r\n")
    # As many as the first batch of a keyset: the second is not read before the first is sent.
    assert len(read) == FIRST_BATCH


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a person and a database; that exports are recorded has its own test."""
    monkeypatch.setattr(export, "actor_of", lambda request: None)
    monkeypatch.setattr(export, "record_export", lambda *_: None)


@pytest.mark.usefixtures("unrecorded")
def test_a_file_name_cannot_leave_its_header() -> None:
    """Quotes and line breaks in a name do not reach Content-Disposition."""
    response = csv_response(RequestFactory().get("/"), 'a"\r\nX: y', ["n"], [])
    assert response["Content-Disposition"] == 'attachment; filename="a-X-y.csv"'


@pytest.mark.usefixtures("unrecorded")
def test_it_streams_under_asgi_too() -> None:
    """The body is an asynchronous stream there: Django would collect any other one whole."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    response = csv_response(ASGIRequest(scope, BytesIO()), "rows", ["n"], [[1], [2]])

    async def read() -> bytes:
        return b"".join([chunk async for chunk in response])

    assert response.is_async
    assert asyncio.run(read()) == b"n\r\n1\r\n2\r\n"
