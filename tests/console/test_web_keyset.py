"""Paging by keys: nothing is shown twice, nothing is left out, and a cursor that is not ours is refused."""

import base64
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from ops_console.errors import InvalidInput
from ops_console.web import Key, Keyset
from ops_console.web.keyset import FIRST_BATCH

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
ORDER = Keyset(Key("date_joined", "time", descending=True), Key("id", "int"), size=3)


def people(count: int) -> None:
    """Two people share each moment, so that the second key decides."""
    model = get_user_model()
    for n in range(count):
        joined = START + timedelta(hours=n // 2)
        model.objects.create(username=f"u{n}", email=f"u{n}@example.org", date_joined=joined)


def walk(pages: Any, forward: bool = True, cursor: str = "") -> list[int]:
    seen: list[int] = []
    while True:
        page = pages(cursor)
        seen += [row.id for row in page.rows] if forward else [row.id for row in reversed(page.rows)]
        cursor = page.next if forward else page.previous
        if not cursor:
            return seen


@pytest.mark.django_db
def test_every_row_is_shown_once() -> None:
    """Walking a queryset forward shows each row once, in order, ties included."""
    people(8)
    model = get_user_model()
    expected = list(model.objects.order_by("-date_joined", "id").values_list("id", flat=True))
    assert walk(lambda cursor: ORDER.page(model.objects.all(), cursor)) == expected


@pytest.mark.django_db
def test_batches_hold_every_row_once() -> None:
    """An export reads the same order, so many rows a query; keys of any length and script carry it on."""
    people(7)
    everybody = get_user_model().objects.all()
    batches = list(ORDER.batches(everybody, size=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert [row.id for batch in batches for row in batch] == walk(lambda cursor: ORDER.page(everybody, cursor))
    assert list(ORDER.batches(everybody.none())) == []


@pytest.mark.django_db
def test_the_first_batch_is_small() -> None:
    """A download begins after a few rows, whatever the size of its batches."""
    people(FIRST_BATCH + 30)
    found = get_user_model().objects.all()
    assert [len(batch) for batch in ORDER.batches(found)] == [FIRST_BATCH, 30]


@pytest.mark.django_db
def test_back_is_the_way_forth_reversed() -> None:
    """Walking back from the last page shows the rows before it, in reverse, down to the first."""
    people(8)
    model = get_user_model()
    expected = list(model.objects.order_by("-date_joined", "id").values_list("id", flat=True))
    last = expected[-1]
    at_end = ORDER.write(model.objects.get(id=last), backward=True)
    back = walk(lambda cursor: ORDER.page(model.objects.all(), cursor), forward=False, cursor=at_end)
    assert back == expected[:-1][::-1]


@pytest.mark.django_db
def test_a_row_that_comes_in_shifts_nothing() -> None:
    """The second page is the same whether or not a row was added before the first."""
    people(8)
    model = get_user_model()
    cursor = ORDER.page(model.objects.all()).next
    before = [row.id for row in ORDER.page(model.objects.all(), cursor).rows]
    model.objects.create(username="new", email="new@example.org", date_joined=START + timedelta(days=1))
    assert [row.id for row in ORDER.page(model.objects.all(), cursor).rows] == before


@pytest.mark.django_db
def test_sql_pages_as_a_queryset_does() -> None:
    """The condition for SQL written by hand walks through the same rows."""
    people(8)

    def pages(cursor: str) -> Any:
        where, order, params = ORDER.sql(cursor)
        with connection.cursor() as run:
            run.execute(
                f"SELECT id, date_joined FROM access_user WHERE {where} ORDER BY {order} LIMIT {ORDER.size + 1}", params
            )
            rows = [SimpleNamespace(id=row[0], date_joined=row[1]) for row in run.fetchall()]
        return ORDER.cut(rows, cursor)

    expected = list(get_user_model().objects.order_by("-date_joined", "id").values_list("id", flat=True))
    assert walk(pages) == expected


def packed(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "not base64 at all!",
        "é",
        packed("f", "2026-11-23T12:00:00+00:00"),
        packed("f", "2026-11-23T12:00:00", "1"),
        packed("f", "yesterday", "1"),
        packed("f", "2026-11-23T12:00:00+00:00", "one"),
        packed("?", "2026-11-23T12:00:00+00:00", "1"),
        packed("f", None, "1"),
        packed({"f": 1}),
        "A" * 5000,
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    """Whatever stands in the URL, it is either a cursor or an InvalidInput that names the field."""
    with pytest.raises(InvalidInput) as refused:
        ORDER.read(cursor)
    assert refused.value.field == "cursor"


def test_a_nul_is_no_text() -> None:
    """PostgreSQL would refuse a NUL in a text with an error of its own; the cursor does first."""
    with pytest.raises(InvalidInput):
        Keyset(Key("name")).read(packed("f", "a\0b"))


def test_every_kind_comes_back_as_it_was() -> None:
    """What is written into a cursor is read out of it with its type."""
    order = Keyset(Key("a", "int"), Key("b", "float"), Key("c", "text"), Key("d", "uuid"), Key("e", "time"))
    row = {"a": 7, "b": 0.1, "c": "ü/+", "d": UUID(int=5), "e": START}
    cursor = order.read(order.write(row, backward=False))
    assert cursor is not None
    assert cursor.values == tuple(row.values())
