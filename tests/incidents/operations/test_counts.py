"""Counts beside a list's tabs: what they say is true of every filter, and they read a bounded number of rows."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from psycopg import sql

from incidents.operations import counting
from incidents.operations.branches import branches
from incidents.operations.counting import counts
from incidents.operations.guard import limited
from incidents.operations.listing import list_page, scan_ids, sql_of_ids, sql_of_page
from incidents.operations.models import OperationMark
from incidents.operations.scope import Scope
from incidents.operations.sources import SOURCES, STATES
from incidents.operations.sources.indexes import missing_indexes
from incidents.operations.sources.schema import forget
from ops_console import directory
from tests.incidents.operations.conftest import USER, make_episode
from tests.incidents.operations.tracked_rows import make_tracked, make_watch
from tests.podcast import add_user

pytestmark = pytest.mark.django_db

EPISODE = "episode_assembly"
ERROR = json.dumps({"main_content_filename": "a.wav", "error_reason": "provider answered 503"})
GROUP = "6e5d1e6e9a4f8a1c"
MARKS = 3_000
# Marks of as many operations that are done, all of one bulk, and of those that it began again.
BULK = """
WITH done AS (
    INSERT INTO public.episode (id, user_id, podcast_id, title, status, priority, meta_json, processed_at, created_at,
        is_explicit, has_numbering_conflict, is_published_to_spreaker, needs_republish, auphonic_processed)
    SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Done ' || n, 'processed', 0, '{}', now(), now(),
        false, false, false, false, false
    FROM generate_series(1, %s) AS n RETURNING id
)
INSERT INTO ops.operations_operationmark (kind, operation_id, version, attempts, last_command_at)
SELECT 'episode_assembly', id::text, 1, 1, now() FROM done
"""


@pytest.fixture
def some() -> str:
    """Operations of every source, state, owner, title, error and number of attempts; the group of one error."""
    add_user(USER, "pat@example.org", "Pat", "Doe", "pro")
    for hours, status in ((9, "processing"), (8, "processing"), (1, "processing"), (5, "error"), (4, "error")):
        one = make_episode(hours, status, ERROR, title=f"Seventy {hours}")
        _mark(one, attempts=hours)
    make_episode(7, "processing", user_id="00000000-0000-4000-8000-0000000000ff")
    for number in range(3):
        one = make_episode(9, "processed" if number else "error", ERROR, title="Seventy done")
        _mark(one, last_command_at=timezone.now(), attempts=1)
    make_watch("queued"), make_watch("error: 503"), make_watch("processing", hours=0.1)
    make_tracked("running", silent_seconds=9_000, tier="pro", attempt=6)
    make_tracked("failed", status="failed", error_group="g1", owner_id=USER)
    make_tracked("queued", status="queued", title="Seventy")
    (failed, *_) = list_page(Scope(kind=EPISODE, state="failed")).rows
    return failed.error_group


def narrowed(group: str) -> Iterator[dict[str, Any]]:
    some_id = list_page(Scope(kind=EPISODE, state="failed", ascending=True)).rows[0].operation_id
    yield {}
    yield {"group": group}
    yield {"group": "g1"}
    yield {"group": ""}
    yield {"tier": "pro"}
    yield {"text": "Seventy"}
    yield {"text": some_id}
    yield {"attempts": 5}
    yield {"owners": (USER,)}
    yield {"older_than_seconds": 5 * 3600}
    yield {"since": timezone.now() - timedelta(hours=6)}
    yield {"worker": "w"}
    yield {"tier": "pro", "group": group}


@pytest.mark.parametrize("indexed", [False, True], ids=["without indexes", "with indexes"])
@pytest.mark.parametrize("kind", ["", EPISODE])
@pytest.mark.parametrize("own", STATES)
def test_every_tab_counts_what_its_list_holds(some: str, own: str, kind: str, indexed: bool) -> None:
    """Under each filter a tab's number is that of the rows of its list, with and without the indexes."""
    if indexed:
        _make_indexes()
    for filters in narrowed(some):
        scope = Scope(kind=kind, state=own, **filters)
        true = {state: sum(map(len, scan_ids(scope.in_state(state)))) for state in STATES}
        for listed in (None, list_page(scope)):
            found = counts(scope, listed)
            assert {state: found[state].text for state in STATES} == {s: str(n) for s, n in true.items()}, filters


@pytest.mark.parametrize("cap", [1, 3])
@pytest.mark.parametrize("own", STATES)
def test_a_count_that_looked_at_not_all_says_at_least(
    some: str, own: str, cap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number is exact, or "+" stands behind one that is no larger than the truth."""
    monkeypatch.setattr(counting, "TAB_CAP", cap)
    monkeypatch.setattr(counting, "CAP", cap)
    for filters in narrowed(some):
        scope = Scope(kind="", state=own, **filters)
        found = counts(scope, list_page(scope))
        for state in STATES:
            true = sum(map(len, scan_ids(scope.in_state(state))))
            said = found[state]
            assert said.number is not None
            assert said.number <= true if said.capped else said.number == true, (state, filters)


def test_the_number_of_a_list_on_one_page_is_its_rows(some: str) -> None:
    """What the list has read whole is not read again: its own state is in no statement."""
    scope = Scope(kind="", state="failed", tier="pro")
    listed = list_page(scope)
    found = counts(scope, listed)["failed"]
    assert (found.number, found.capped) == (len(listed.rows), False)


@pytest.mark.parametrize("filters", [{}, {"group": GROUP}, {"tier": "pro"}, {"text": "x"}, {"owners": (USER,)}])
def test_counting_the_resolved_reads_a_bounded_number_of_rows(
    monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any]
) -> None:
    """However many operations were acted on lately, under a filter that none holds: so many marks are read, not all."""
    monkeypatch.setattr(counting, "TAB_CAP", 100)
    monkeypatch.setattr(counting, "CAP", 100)
    _bulk()
    for branch in branches(""):
        statement = counting._looked_sql([branch], Scope(kind="", state="resolved", **filters), 100)
        assert _rows_read(statement, in_order=True) <= 2 * 101


@pytest.mark.parametrize("ascending", [True, False])
def test_the_resolved_are_listed_in_the_order_of_their_index(ascending: bool) -> None:
    """Right after a bulk, without statistics of the marks, a page reads the marks of its rows and no others."""
    _bulk()
    scope = Scope(kind=EPISODE, state="resolved", ascending=ascending)
    first = list_page(scope)
    for cursor in ("", first.next):
        # Each row's mark is read once to find it and once to show it.
        assert _rows_read(sql_of_page(scope, cursor), in_order=True) <= 3 * 51


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("kind", ["", EPISODE])
def test_operations_of_one_bulk_come_once_on_their_pages(kind: str, ascending: bool) -> None:
    """Marks of one time are paged by their own key, forwards and back."""
    with connection.cursor() as cursor:
        cursor.execute(BULK, [11])
    scope = Scope(kind=kind, state="resolved", ascending=ascending)
    page = list_page(scope, size=4)
    seen = [page.rows]
    while page.next:
        page = list_page(scope, page.next, size=4)
        seen.append(page.rows)
    ids = [row.operation_id for rows in seen for row in rows]
    assert len(ids) == len(set(ids)) == 11 and ids == sorted(ids, reverse=not ascending)
    back = list_page(scope, page.previous, size=4)
    assert [row.operation_id for row in back.rows] == [row.operation_id for row in seen[-2]]
    assert [one for found in scan_ids(scope) for one in found] == ids


def test_an_index_serves_an_error_group() -> None:
    """What failed of one error is found by its index in the list's order, and no other row's error is read."""
    _make_indexes()
    with connection.cursor() as cursor:
        cursor.execute(BULK.replace("'processed'", "'error'"), [2_000])
        cursor.execute("ANALYZE public.episode")
    wanted = [make_episode(hours, "error", ERROR) for hours in (1, 2)]
    (one,) = list_page(Scope(kind=EPISODE, state="failed", text=wanted[0])).rows
    scope = Scope(kind=EPISODE, state="failed", group=one.error_group)
    assert [row.operation_id for row in list_page(scope).rows] == wanted
    for statement in (sql_of_page(scope), counting._looked_sql(branches(EPISODE), scope, 100)):
        assert "episode_ops_group" in json.dumps(_plan(statement, in_order=True))
        assert _rows_read(statement, in_order=True, table="episode") <= 4


@pytest.mark.parametrize("id_type", ["uuid", "text"])
@pytest.mark.parametrize("each", [False, True])
def test_a_tier_is_looked_up_in_the_type_of_the_directory(id_type: str, each: bool) -> None:
    """By the index of the users' ids, with the answer of a comparison of both as text; what is no id is nobody's."""
    other = "00000000-0000-4000-8000-0000000000aa"
    add_user(USER, "pat@example.org", "Pat", "Doe", "pro")
    add_user(other, "sam@example.org", "Sam", "Doe", "free")
    ids = [USER, other, "00000000-0000-4000-8000-0000000000bb", None]
    ids += [] if id_type == "uuid" else ["", "nobody", other.upper(), f"{{{USER}}}", USER.replace("-", "")]
    condition = directory.in_tier(sql.SQL("x.id"), id_type, "pro", each)
    plain = sql.SQL("EXISTS (SELECT FROM public.\"user\" AS d WHERE d.id::text = x.id::text AND d.tier::text = 'pro')")
    asked = sql.SQL("SELECT {}, {} FROM unnest({}::{}[]) AS x (id)").format(
        condition, plain, sql.Literal(ids), sql.SQL(id_type)
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        found = cursor.fetchall()
        assert [one for one, _ in found] == [other for _, other in found]
        assert sum(one for one, _ in found) == 1
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(sql.SQL("EXPLAIN {}").format(asked))
        assert any("user_pkey" in line for (line,) in cursor.fetchall())


def _mark(operation_id: str, **values: Any) -> None:
    OperationMark.objects.create(kind=EPISODE, operation_id=operation_id, **values)


def _bulk() -> None:
    """Many fresh marks, in a table whose statistics are of none."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pg_statistic WHERE starelid = 'ops.operations_operationmark'::regclass")
        cursor.execute(BULK, [MARKS])


def _make_indexes() -> None:
    with connection.cursor() as cursor:
        for source in SOURCES.values():
            for statement in missing_indexes(source, source.live()).values():
                cursor.execute(statement.replace(" CONCURRENTLY", ""))
    forget()


def _plan(statement: sql.Composable, in_order: bool) -> dict[str, Any]:
    with limited(60_000, "The plan", in_order), connection.cursor() as cursor:
        cursor.execute(sql.SQL("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {}").format(statement))
        (found,) = cursor.fetchone()
    return dict((found if isinstance(found, list) else json.loads(found))[0]["Plan"])


def _rows_read(statement: sql.Composable, in_order: bool, table: str = "operations_operationmark") -> int:
    """How many rows of a table the statement reads while it runs, those that it then drops included."""
    nodes, total = [_plan(statement, in_order)], 0
    for node in nodes:  # grows while it is walked
        nodes.extend(node.get("Plans", []))
        if node.get("Relation Name") == table:
            total += int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
    return total


@pytest.mark.parametrize("older", [0, 3 * 3600])
@pytest.mark.parametrize("evidence", ["", "dead", "suspected"])
def test_what_is_stuck_is_what_its_definition_says(evidence: str, older: int) -> None:
    """Row, commands, heartbeats, snoozing, age and evidence: as Python says of each row with its mark."""
    now, hour = timezone.now(), timedelta(hours=1)
    expected = set()
    times = (None, 0.5, 2.5, 9)
    for hours, command, heartbeat, snoozed in product((1, 2.5, 9), times, times, (None, -1, 1)):
        one = make_episode(hours, "processing")
        if (command, heartbeat, snoozed) != (None, None, None):
            _mark(
                one,
                last_command_at=command and now - command * hour,
                heartbeat_at=heartbeat and now - heartbeat * hour,
                snoozed_until=snoozed and now + snoozed * hour,
            )
        silent = min(time for time in (hours, command, heartbeat) if time)
        stuck = silent > 2 and snoozed != 1 and silent > older / 3600
        if stuck and evidence in ("", "suspected" if heartbeat is None else "dead"):
            expected.add(one)
    scope = Scope(kind=EPISODE, evidence=evidence, older_than_seconds=older)
    assert {one for ids in scan_ids(scope) for one in ids} == expected != set()
    assert counts(scope)["stuck"].number == len(expected)


@pytest.mark.parametrize("evidence", ["", "suspected"])
def test_a_stuck_row_s_mark_is_looked_up_once(evidence: str) -> None:
    """Age, evidence, commands and snoozing are one look at the mark of each row."""
    for hours in range(7, 17):
        _mark(make_episode(hours, "processing"), attempts=1)
    scope = Scope(kind=EPISODE, evidence=evidence, older_than_seconds=6 * 3600)
    assert _rows_read(sql_of_ids(scope), in_order=False) <= 10


def test_an_id_is_counted_exactly_however_many_there_are(some: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index leads to it, so the rows before it are not looked at."""
    monkeypatch.setattr(counting, "TAB_CAP", 1)
    monkeypatch.setattr(counting, "CAP", 1)
    last = list_page(Scope(kind=EPISODE, state="failed", ascending=True)).rows[0].operation_id
    found = counts(Scope(kind=EPISODE, state="stuck", text=last))
    assert (found["failed"].text, found["in_progress"].text) == ("1", "0")
