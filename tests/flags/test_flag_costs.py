"""What the list of flags costs the database, by scans and rows: no time is measured, no plan is relied on."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flags import queries, usage
from flags.models import EvaluationSpan, Flag, Usage
from flags.staleness import LOOKED_AT
from ops_console.access.roles import Role
from ops_console.retention import KEPT
from tests.flags.usage_rows import asked, this_hour
from tests.people import signed_in

TABLES = "ops.flags_flag, ops.flags_usage, ops.flags_evaluationspan"
pytestmark = pytest.mark.django_db


def fill(flags: int, hours: int = 12) -> None:
    """Flags with usage in one insert, as a restore leaves them: nothing is analysed or vacuumed."""
    Flag.objects.bulk_create(Flag(name=f"flag_{number}") for number in range(flags))
    Flag.objects.update(created=timezone.now() - timedelta(days=60))
    Usage.objects.bulk_create(
        Usage(
            flag=f"flag_{number}",
            hour=this_hour() - timedelta(days=5 * hour),
            service="api",
            result=number % 3 > 0,
            count=1,
            last_at=this_hour(),
        )
        for number in range(flags)
        for hour in range(hours)
    )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def rows_read(found: QuerySet[Flag], *settings: str) -> Counter[str]:
    """How many rows of each table the query read, with these planner's choices switched off."""
    sql, parameters = found.query.sql_with_params()
    with connection.cursor() as cursor:
        for setting in settings:
            cursor.execute(f"SET LOCAL {setting} = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        (answer,) = cursor.fetchone()
    plans = answer if isinstance(answer, list) else json.loads(answer)
    counted: Counter[str] = Counter()
    for node in nodes(plans[0]["Plan"]):
        each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        counted[node.get("Relation Name", "")] += round(node["Actual Loops"] * max(each, 1))
    return counted


@pytest.mark.parametrize("statistics", ["none", "of empty tables", "fresh"])
@pytest.mark.parametrize("settings", [(), ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan")])
@pytest.mark.parametrize("state", ["", "stale"])
def test_staleness_reads_each_row_once(state: str, settings: tuple[str, ...], statistics: str) -> None:
    """Whatever the planner knows, and with sequential scans only: rows read grow with flags, not with pairs."""
    fill(300)
    set_statistics(statistics)
    counted = rows_read(queries.flags(state=state), *settings)
    assert counted["flags_usage"] == 0
    assert 300 <= counted["flags_evaluationspan"] <= 5 * 300 + 2
    assert counted["flags_flag"] == 300


def set_statistics(known: str) -> None:
    """What the planner knows of the tables: nothing, as after a restore; that they are empty; or what is there."""
    with connection.cursor() as cursor:
        if known == "fresh":
            cursor.execute(f"ANALYZE {TABLES}")
            return
        pages, rows = (0, -1) if known == "none" else (100, 0)
        cursor.execute("DELETE FROM pg_statistic WHERE starelid = ANY (%s::regclass[])", [TABLES.split(", ")])
        cursor.execute(
            "UPDATE pg_class SET relpages = %s, reltuples = %s WHERE oid = ANY (%s::regclass[])",
            [pages, rows, TABLES.split(", ")],
        )


def test_spans_follow_usage() -> None:
    """The first and last hour of each answer, whoever writes usage, one row or many, in any order."""
    asked("player", 3), asked("player", 40), asked("player", 1)
    asked("player", 2, result=False, service="worker")
    Usage.objects.bulk_create(
        Usage(
            flag=name, hour=this_hour() - timedelta(days=days), service="s", result=True, count=1, last_at=this_hour()
        )
        for name in ("player", "other")
        for days in (50, 0)
    )
    spans = {span.flag_id: span for span in EvaluationSpan.objects.all()}

    def days(name: str) -> list[int | None]:
        moments = (getattr(spans[name], field) for field in ("on_since", "on_until", "off_since", "off_until"))
        return [None if moment is None else (this_hour() - moment).days for moment in moments]

    assert (days("player"), days("other")) == ([50, 0, 2, 2], [50, 0, None, None])


def test_counting_again_in_an_hour_changes_no_span() -> None:
    """Backends add to the same hours all the time: no row of spans is written for it."""
    asked("player")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid, xmin FROM ops.flags_evaluationspan")
        before = cursor.fetchall()
        cursor.execute(
            "INSERT INTO ops_v1.flag_usage AS kept (flag, hour, service, variant, result, count, last_at)"
            " SELECT flag, hour, service, variant, result, 1, now() FROM ops.flags_usage"
            " ON CONFLICT (flag, hour, service, variant, result) DO UPDATE SET count = kept.count + 1"
        )
        cursor.execute("SELECT ctid, xmin FROM ops.flags_evaluationspan")
        assert cursor.fetchall() == before
    assert Usage.objects.get().count == 2


def test_a_name_that_no_flag_can_have_is_counted() -> None:
    """A longer name than any flag's is usage as before, and no span."""
    asked("x" * 101)
    assert (Usage.objects.count(), EvaluationSpan.objects.count()) == (1, 0)


def test_a_name_leaves_with_its_usage() -> None:
    """Names of which no hour is kept are forgotten."""
    asked("old", 91), asked("kept", 89)
    for kept in KEPT:
        if kept.what in {"how often flags were asked for", "names that were asked for"}:
            kept.expire(timedelta(days=kept.days))
    assert [span.flag_id for span in EvaluationSpan.objects.all()] == ["kept"]
    assert timedelta(days=90) > LOOKED_AT


def test_undefined_names_are_found_by_their_spans() -> None:
    """Only names that were asked for in these days and are none are counted up."""
    fill(5, hours=1)
    asked("unknown", 1), asked("long ago", 20)
    assert [each.name for each in usage.undefined()] == ["unknown"]


def test_the_list_as_csv_is_written_while_it_is_read() -> None:
    """The first lines are out after the first batch of flags, whatever follows; each flag has a line."""
    Flag.objects.bulk_create(Flag(name=f"flag-{number:04}") for number in range(1100))
    answer = signed_in(Role.VIEWER).get("/flags/?format=csv")
    assert answer.status_code == 200
    chunks = iter(answer.streaming_content)
    with CaptureQueriesContext(connection) as first:
        text = next(chunks)
    with CaptureQueriesContext(connection) as rest:
        text += b"".join(chunks)
    assert len(rest) >= len(first) > 0
    assert [line.split(b",")[0] for line in text.splitlines()[1:]] == [f"flag-{n:04}".encode() for n in range(1100)]
