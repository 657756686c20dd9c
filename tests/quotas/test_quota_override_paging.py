"""Overrides by the thousand: lists are paged by keys, the export is read in batches, expiry ends them in batches."""

import csv
from datetime import timedelta
from itertools import islice

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.contract.queries import revision
from ops_console.views.temporary import SHOWN, temporary
from quotas import queries, tasks
from quotas.bulk import export_rows
from quotas.models import ENDS_AT, Override
from tests.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_overrides(resources):
    Override.objects.all().delete()


def give(count, *, ends_in=None, **values):
    """Overrides of as many users; each ends a second after the one before, or never."""
    now = timezone.now()
    Override.objects.bulk_create(
        Override(
            resource_id="api_calls",
            user_id=f"user-{number:05}",
            limit=number,
            reason="of a test",
            created_by="oscar",
            expires_at=None if ends_in is None else now + ends_in + timedelta(seconds=number),
            **values,
        )
        for number in range(count)
    )


def statements(captured):
    return [query["sql"] for query in captured if "quotas_override" in query["sql"]]


def test_the_list_is_paged():
    """A page holds 50 overrides, the next to end first and those without an expiry last; pages follow one another."""
    give(70, ends_in=DAY)
    Override.objects.filter(limit=0).update(expires_at=None)
    client = signed_in(Role.OPERATOR)
    first = client.get("/quotas/").context["overrides"]
    second = client.get("/quotas/", {"cursor": first.next}).context["overrides"]
    shown = [[override.limit for override, _ in page.rows] for page in (first, second)]
    assert shown == [list(range(1, 51)), [*range(51, 70), 0]]
    assert (bool(first.previous), bool(second.previous), second.next) == (False, True, "")


def test_a_page_costs_as_many_queries_however_many_there_are():
    """No query and no row is added to the page as overrides are."""
    client = signed_in(Role.OPERATOR)
    client.get("/quotas/")
    counts = []
    for number in (60, 600):
        Override.objects.all().delete()
        give(number, ends_in=DAY)
        with CaptureQueriesContext(connection) as captured:
            page = client.get("/quotas/")
        counts.append((len(captured), page.content.count(b"<tr")))
    assert counts[0] == counts[1]


def test_a_foreign_cursor_is_refused():
    """A cursor that was cut off is an error that says so."""
    assert signed_in(Role.OPERATOR).get("/quotas/", {"cursor": "cut"}).status_code == 422


def test_past_overrides_are_paged(hanna):
    """A user's page shows 20 past overrides and leads to the others."""
    give(25, ended_at=timezone.now(), ended="removed")
    Override.objects.update(user_id=hanna.id)
    client = signed_in(Role.OPERATOR)
    first = client.get(f"/quotas/users/{hanna.id}/").context["past"]
    second = client.get(f"/quotas/users/{hanna.id}/", {"cursor": first.next}).context["past"]
    assert [each.limit for each in (*first.rows, *second.rows)] == list(reversed(range(25)))


def test_the_export_begins_with_its_first_batch():
    """The first row needs the first batch alone; nothing is read by a cursor that the server keeps."""
    give(1_100, ends_in=DAY)
    with CaptureQueriesContext(connection) as captured:
        rows = export_rows()
        first = next(rows)
        assert len(statements(captured)) == 1
        rest = list(rows)
    assert [row[0] for row in (first, *rest)] == [f"user-{number:05}" for number in range(1_100)]
    assert len(statements(captured)) == 4  # 100 rows first, then 500 at a time, and the end
    assert not any("DECLARE" in sql for sql in statements(captured))


def test_the_export_holds_every_override():
    """The page's CSV has a row for each."""
    give(1_100)
    answer = signed_in(Role.OPERATOR).get("/quotas/overrides/export/")
    lines = list(csv.reader(answer.getvalue().decode().splitlines()))
    assert len({line[0] for line in lines[1:]}) == 1_100


def test_the_overview_reads_what_it_shows():
    """Temporary changes show the overrides that end first, and read no others."""
    give(SHOWN * 3, ends_in=DAY)
    with CaptureQueriesContext(connection) as captured:
        shown = temporary()
    assert [each.what for each in shown] == [f"api_calls of user-000: {number}" for number in range(SHOWN)]
    [statement] = statements(captured)
    assert f"LIMIT {SHOWN}" in statement


@pytest.mark.parametrize("ordered", ["page", "due"])
def test_an_index_has_the_order(ordered):
    """Neither a page nor the expiry sorts: both follow the index of overrides that have not ended."""
    give(50, ends_in=DAY)
    found = {
        "page": queries.holding().order_by("ends_at", "id"),
        "due": Override.objects.alias(ends_at=ENDS_AT).filter(ended_at=None, ends_at__lte=timezone.now()),
    }[ordered]
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        plan = found.order_by("ends_at", "id")[:50].explain()
        cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")
    assert "quotas_override_by_end" in plan
    assert "Sort" not in plan


def test_the_export_seeks_to_where_a_batch_begins():
    """A batch does not pass over the rows of its resource that were sent before: they would make it quadratic."""
    give(600)
    with CaptureQueriesContext(connection) as captured:
        list(queries.every_override())
    second = statements(captured)[1]
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {second}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")
    assert "Index Cond: (ROW(" in plan


def test_expiry_goes_in_batches(monkeypatch):
    """All that ran out ends, each batch in a transaction of its own, with no audit entry of the table's trigger."""
    monkeypatch.setattr(tasks, "BATCH_ROWS", 2)
    give(5, ends_in=-DAY)
    entries, before = Entry.objects.count(), revision().revision
    assert tasks.end_overrides() == 5
    assert revision().revision - before == 3
    assert Entry.objects.count() == entries
    ended = Override.objects.values_list("ended", "ended_at", "expires_at")
    assert all(how == "expired" and at == expires for how, at, expires in ended)


def test_expiry_is_bounded_in_one_run(monkeypatch):
    """What is left over waits for the next run."""
    monkeypatch.setattr(tasks, "BATCH_ROWS", 2)
    monkeypatch.setattr(tasks, "MOST_BATCHES", 2)
    give(5, ends_in=-DAY)
    assert [tasks.end_overrides() for _ in range(3)] == [4, 1, 0]


def test_expiry_passes_over_rows_that_somebody_holds(hanna):
    """A row that an operator is changing is left to the next run, and nothing waits."""
    give(3, ends_in=-DAY)
    held = Override.objects.order_by("id").first()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM ops.quotas_override WHERE id = %s FOR UPDATE", [held.pk])
            assert tasks.end_overrides() == 2
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert tasks.end_overrides() == 1


def test_users_are_looked_up_by_the_batch(hanna):
    """The export asks the directory once a batch, and names the users that it has."""
    give(1_100)
    Override.objects.filter(user_id="user-00000").update(user_id=hanna.id)
    emails = [row[1] for row in islice(export_rows(), 1_100)]
    assert emails.count(hanna.email) == 1
