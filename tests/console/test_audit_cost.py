"""The audit at many entries: a page of any filter reads the rows of that page, and the CSV is streamed by keys."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ops_console.access.models import User
from ops_console.audit import indexes, queries
from ops_console.audit.models import Entry
from tests.audit_rows import past_entry, without_triggers

SignedIn = Callable[[User], Client]
MANY = 20_000


@pytest.fixture
def many(db: None) -> Iterator[None]:
    """Twenty thousand entries, a minute apart; the oldest are of somebody who has left."""
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ops.audit_entry (at, source, actor, via, action, target_type, target_id, target_label, reason,
                                         request_id)
            SELECT now() - (%(many)s - n) * interval '1 minute', 'service',
                   CASE WHEN n <= 100 THEN 'Retired' WHEN n %% 2 = 0 THEN 'console' ELSE 'person' || n %% 20 END, 'web',
                   CASE WHEN n <= 100 THEN 'flag.Archive' ELSE 'flag.edit' END, 'flag', (n %% 500)::text,
                   'flag ' || n %% 500, '', 'request-' || n
            FROM generate_series(1, %(many)s) n
            """,
            {"many": MANY},
        )
        cursor.execute("ANALYZE ops.audit_entry")
    yield


def rows_read(query: str) -> int:
    """How many rows the plan of a statement touched, filtered ones included."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
        plan = cursor.fetchone()[0]
    return _touched((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def _touched(node: dict) -> int:
    own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(own) + sum(_touched(child) for child in node.get("Plans", []))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?actor=retired",
        "?actor=PERSON1",
        "?actor=nobody",
        "?action=FLAG.A",
        "?target_type=flag&target_id=7",
        "?source=trigger",
        "?until=%(old)s",
        "?since=%(old)s&until=%(old)s",
    ],
)
def test_a_page_reads_the_rows_of_that_page(many: None, viewer: User, signed_in: SignedIn, query: str) -> None:
    """Whatever is asked, no statement walks the entries; before, these walked all of them from the newest on."""
    old = (timezone.now() - timedelta(minutes=MANY - 50)).strftime("%Y-%m-%dT%H:%M")
    client = signed_in(viewer)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"/audit/{query % {'old': old} if '%' in query else query}").status_code == 200
    statements = [one["sql"] for one in asked if "audit_entry" in one["sql"]]
    assert statements
    assert all(rows_read(statement) < 1_500 for statement in statements)


def test_actor_and_action_are_found_by_their_beginning_in_any_case(many: None) -> None:
    """The filter's meaning has not changed with its index."""
    assert queries.entries({"actor": "rEt"}).count() == 100
    assert {entry.actor for entry in queries.entries({"actor": "person1"})} == {
        f"person{n}" for n in (1, 11, 13, 15, 17, 19)
    }
    assert queries.entries({"action": "flag.a"}).count() == 100
    assert queries.entries({"actor": "etired"}).count() == 0


def test_names_are_bounded_and_written_as_they_are(many: None) -> None:
    """Distinct names, not entries; suggestions have a bound of their own."""
    assert [each.name for each in queries.names("action")] == ["flag.Archive", "flag.edit"]
    Entry.objects.bulk_create(
        Entry(actor=f"someone{n:04}", via="web", action="x", target_type="t", target_id="1", target_label="")
        for n in range(1_200)
    )
    assert len(queries.names("actor")) == 1_000
    assert len(queries.suggested("actor")) == 50


def test_the_default_period_is_stated_and_can_be_left(many: None, viewer: User, signed_in: SignedIn) -> None:
    """Text is looked for in the last days, which the page says, with a link to all entries."""
    client = signed_in(viewer)
    recent = client.get("/audit/?q=Retired").content.decode()
    assert "These filters search entries of 7 days" in recent
    assert "/audit/?q=Retired&amp;period=all" in recent
    assert "No entry matches" in recent
    everything = client.get("/audit/?q=Retired&period=all").content.decode()
    assert "These filters" not in everything
    assert everything.count("<td>Retired") == 50
    assert "These filters" not in client.get("/audit/").content.decode()
    assert "These filters" not in client.get("/audit/?target_type=flag&target_id=1").content.decode()


def test_the_default_period_ends_where_the_filter_does() -> None:
    """With an end and no beginning, it is the days before that end."""
    now = timezone.now()
    until = now - timedelta(days=100)
    assert queries.recent_since({"q": "x", "until": until}, now) == until - queries.RECENT
    assert queries.recent_since({"q": "x", "since": until}, now) is None
    assert queries.recent_since({"actor": "x"}, now) is None


def test_csv_begins_after_one_read_and_uses_no_cursor(many: None, viewer: User, signed_in: SignedIn) -> None:
    """The first bytes need one page of rows; every entry comes once, in order."""
    answer = signed_in(viewer).get("/audit/?format=csv")
    with CaptureQueriesContext(connection) as asked:
        chunks = iter(answer.streaming_content)  # type: ignore[attr-defined]
        first = next(chunks)
    assert len(asked) == 1
    assert "DECLARE" not in asked[0]["sql"] and "LIMIT 100" in asked[0]["sql"]
    lines = (first + b"".join(chunks)).decode().splitlines()
    ids = [int(line.split(",")[0]) for line in lines[1:]]
    # With the entry of this export.
    assert len(ids) == len(set(ids)) == MANY + 1
    assert ids == sorted(ids, reverse=True)


def test_csv_holds_json_as_the_database_writes_it(viewer: User, signed_in: SignedIn) -> None:
    """Nothing is parsed and written again; what was not there is an empty cell."""
    Entry.objects.create(
        actor="a", via="web", action="x", target_type="t", target_id="1", target_label="", after={"note": "für"}
    )
    answer: Any = signed_in(viewer).get("/audit/?format=csv&period=all")
    with patch("json.loads", side_effect=AssertionError("a cell was parsed")):
        body = b"".join(answer.streaming_content)
    _, row = csv.DictReader(body.decode().splitlines())
    assert (row["before"], row["after"]) == ("", '{"note": "für"}')


def test_suggestions_read_no_more_names_than_they_offer(db: None) -> None:
    """Each distinct name is a jump in the index."""
    with CaptureQueriesContext(connection) as asked:
        queries.suggested("actor")
    assert "LIMIT 50)" in asked[0]["sql"]


def test_entries_are_in_the_order_of_time(db: None) -> None:
    """An entry of a transaction that began earlier comes later in the list, whatever its number."""
    now = timezone.now()
    late, early = (past_entry(at=at) for at in (now, now - timedelta(hours=1)))
    assert [each.pk for each in queries.ORDER.page(queries.entries({})).rows] == [late.pk, early.pk]


def test_missing_text_index_is_named_where_trigrams_are_installed(transactional_db: None) -> None:
    """Installing pg_trgm after the migrations is the usual case; the index is then asked for."""
    assert indexes.statements() == []
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION pg_trgm")
        try:
            (statement,) = indexes.statements()
            assert "CONCURRENTLY" in statement
            cursor.execute(statement)
            assert indexes.statements() == []
        finally:
            cursor.execute("DROP INDEX IF EXISTS ops.audit_entry_texts")
            cursor.execute("DROP EXTENSION pg_trgm CASCADE")
