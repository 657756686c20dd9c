"""The indexes that lists ask for: made beside running work, used in every order, and not needed for an answer."""

import json
import re
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql

from incidents.operations import counting, guard
from incidents.operations.branches import branches
from incidents.operations.guard import TooSlow
from incidents.operations.listing import list_page, sql_of_page
from incidents.operations.scope import Scope
from incidents.operations.sources import SOURCES
from incidents.operations.sources.indexes import missing_indexes
from incidents.operations.sources.schema import forget
from incidents.operations.sources.sql import SourceSql
from ops_console.access.roles import Role
from tests import database
from tests.incidents.operations.conftest import MakeEpisode
from tests.people import signed_in

EPISODE = SOURCES["episode_assembly"]
ROWS = """
INSERT INTO public.episode (id, user_id, podcast_id, title, status, priority, meta_json, processed_at, created_at,
    is_explicit, has_numbering_conflict, is_published_to_spreaker, needs_republish, auphonic_processed)
SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Episode ' || n,
    (CASE WHEN n % 10 = 0 THEN 'processing' WHEN n % 10 = 1 THEN 'error' WHEN n % 100 = 2 THEN 'pending'
          ELSE 'processed' END)::public.episodestatus,
    0, '{"queued_for_worker": true}', now() AT TIME ZONE 'UTC' - make_interval(mins => n), now(),
    false, false, false, false, false
FROM generate_series(1, 20000) AS n
"""


@pytest.fixture
def trigrams(db: None) -> None:
    """A database with the extension for parts of texts."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    forget()


@pytest.fixture
def many(db: None) -> None:
    """Twenty thousand episodes with every index that the check asks for."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        for statement in missing_indexes(EPISODE, EPISODE.live()).values():
            cursor.execute(statement.replace(" CONCURRENTLY", ""))
        cursor.execute("ANALYZE public.episode")
    forget()


def plan_of(statement: sql.Composable) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("EXPLAIN {}").format(statement))
        return "\n".join(line for (line,) in cursor.fetchall())


INDEXES = {"stuck": "in_progress", "in_progress": "in_progress", "waiting": "waiting", "failed": "failed"}


@pytest.mark.parametrize("deep", [False, True], ids=["first page", "deep page"])
@pytest.mark.parametrize("ascending", [True, False], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("state", INDEXES)
def test_an_index_serves_every_order(many: None, state: str, ascending: bool, deep: bool) -> None:
    """Each list that is offered is read in the order of its index, and begins where its page begins."""
    scope = Scope(kind="episode_assembly", state=state, ascending=ascending)
    cursor = list_page(scope).next if deep else ""
    plan = plan_of(sql_of_page(scope, cursor))
    assert re.search(rf"Index (Only )?Scan (Backward )?using episode_ops_{INDEXES[state]}", plan), plan
    assert "Seq Scan on episode" not in plan and not re.search(r"Sort Key: .*processed_at", plan), plan
    if deep:
        assert re.search(r"Index Cond: .*ROW\(", plan), plan


def test_an_index_serves_an_owner(many: None) -> None:
    """A user's operations are found by the owner's index."""
    owner = list_page(Scope(kind="episode_assembly")).rows[0].owner_id
    assert "episode_ops_owner" in plan_of(sql_of_page(Scope(kind="episode_assembly", owners=(owner or "",))))


@pytest.mark.parametrize("text", ["isode 19990", "0123abcd-4"], ids=["title", "id"])
def test_indexes_serve_a_search(trigrams: None, many: None, text: str) -> None:
    """A part of a title and the beginning of an id are each found by an index, where the database can index parts."""
    plan = plan_of(sql_of_page(Scope(kind="episode_assembly", text=text)))
    assert "episode_ops_title" in plan and "Seq Scan on episode" not in plan, plan


def test_no_index_is_asked_for_that_the_database_cannot_make(db: None) -> None:
    """Without the extension, the index of titles is not missing."""
    assert "episode_ops_title" not in missing_indexes(EPISODE, EPISODE.live())


def test_counts_read_no_more_than_they_say(many: None) -> None:
    """A capped count reads the index in order, and stops."""
    scope = Scope(kind="episode_assembly")
    plan = plan_of(sql.SQL("SELECT {}").format(counting.sum_of(branches(scope.kind), scope, 100)))
    assert "episode_ops_in_progress" in plan and "Bitmap" not in plan, plan


@pytest.mark.usefixtures("committed")
def test_indexes_are_made_beside_running_work(capsys: pytest.CaptureFixture[str]) -> None:
    """The command makes what the check prints, an index broken off included, and then has nothing left to do."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX episode_ops_failed ON public.episode (id)")
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.episode_ops_failed'::regclass"
        )
    try:
        call_command("sources", "check")
        assert 'DROP INDEX CONCURRENTLY "public"."episode_ops_failed";' in capsys.readouterr().out
        call_command("sources", "create-indexes", dsn=database.dsn())
        call_command("sources", "create-indexes")
        assert "Every index is there." in capsys.readouterr().out
        assert all(not missing_indexes(source, source.live()) for source in SOURCES.values())
    finally:
        _drop_indexes()


@pytest.mark.usefixtures("committed")
def test_who_may_not_make_indexes_is_told_how() -> None:
    """Another role than the owner gets the database's answer and the option that helps."""
    role = database.console_role()
    try:
        with pytest.raises(CommandError, match=r"must be owner of table.*--dsn"):
            call_command("sources", "create-indexes", dsn=database.dsn(role))
    finally:
        database.drop_role(role)


@pytest.mark.django_db
def test_without_an_index_the_page_answers_and_says_which(episode: MakeEpisode) -> None:
    """A database without our indexes gets its list and, for admins alone, the statement that makes it quick."""
    one = episode(title="Slowly found")
    for role in Role:
        text = signed_in(role).get("/operations/").content.decode()
        assert "Slowly found" in text and one in text
        assert ("CREATE INDEX CONCURRENTLY" in text and "episode_ops_in_progress" in text) == (role == Role.ADMIN)
        assert ("an index is missing" in text) == (role == Role.ADMIN)


@pytest.mark.django_db
def test_a_list_that_takes_too_long_is_given_up(episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page stands with what it has: tabs without counts, the reason, and the missing index."""
    episode()
    monkeypatch.setattr("incidents.operations.listing.LIST_MS", 1)
    monkeypatch.setattr("incidents.operations.counting.COUNT_MS", 1)
    monkeypatch.setattr("incidents.operations.sources.sql.SourceSql.silent", property(_slowly))
    answer = signed_in(Role.ADMIN).get("/operations/")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "This list was not found within 0.001 s." in text and "Stuck ?" in text
    assert "CREATE INDEX CONCURRENTLY" in text


@pytest.mark.django_db
def test_a_slow_tab_takes_the_lists_own_number_from_nobody(
    episode: MakeEpisode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be counted alone is, so that all that match can be chosen still; the other tabs say "?"."""
    episode(), episode()
    as_it_is = SourceSql.of_state

    def slow_where_others_wait(parts: SourceSql, state: str) -> sql.Composable:
        slow = sql.SQL("{} AND pg_sleep(1) IS NOT NULL").format(parts.in_statuses("in_progress"))
        return slow if state == "waiting" else as_it_is(parts, state)

    monkeypatch.setattr("incidents.operations.counting.COUNT_MS", 200)
    monkeypatch.setattr(SourceSql, "of_state", slow_where_others_wait)
    found = {state: count.text for state, count in counting.counts(Scope()).items()}
    others = dict.fromkeys(("slow", "waiting", "in_progress", "failed", "resolved"), "?")
    assert found == {"stuck": "2", "dead": "0", "suspected": "2", **others}


@pytest.mark.django_db
def test_a_limit_holds_for_its_statements_alone() -> None:
    """What comes after is limited as before."""
    with pytest.raises(TooSlow, match=r"The answer was not found within 0\.01 s"), guard.limited(10, "The answer"):
        guard.rows(sql.SQL("SELECT pg_sleep(5)"))
    with guard.limited(10, "Nothing"):
        pass
    assert guard.rows(sql.SQL("SELECT current_setting('statement_timeout') AS t")) != [{"t": "10ms"}]


@pytest.mark.django_db
def test_every_kind_is_one_statement() -> None:
    """Foreign tables and whatever backends track are asked together, however many kinds there are."""
    assert [branch.name for branch in branches("")] == ["episode_assembly", "transcription", "tracked"]


def _slowly(parts: Any) -> sql.Composable:
    return sql.SQL("(now() + make_interval(secs => coalesce(length(pg_sleep(5)::text), 0)))")


def _drop_indexes() -> None:
    with psycopg.connect(database.dsn(), autocommit=True) as owner:
        found = owner.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname ~ '_ops_'")
        for (name,) in found.fetchall():
            owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier("public", name)))
    forget()


MARKS = """
INSERT INTO ops.operations_operationmark (kind, operation_id, version, attempts, last_command_at)
SELECT 'episode_assembly', gen_random_uuid()::text, 1, 1, now() FROM generate_series(1, 12000)
"""


@pytest.fixture
def marked(many: None) -> None:
    """Fresh marks of twelve thousand other operations, in a table whose statistics are of none."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pg_statistic WHERE starelid = 'ops.operations_operationmark'::regclass")
        cursor.execute(MARKS)


def compared(statement: sql.Composable) -> int:
    """How many pairs of rows the statement compares in joins, and rows it reads of the marks, while it runs."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {}").format(statement))
        (found,) = cursor.fetchone()
    nodes = [(found if isinstance(found, list) else json.loads(found))[0]["Plan"]]
    total = 0
    for node in nodes:  # grows while it is walked
        nodes.extend(node.get("Plans", []))
        read = node["Actual Rows"] if node.get("Relation Name") == "operations_operationmark" else 0
        total += int((read + node.get("Rows Removed by Join Filter", 0)) * node["Actual Loops"])
    return total


@pytest.mark.parametrize("older", [0, 3600], ids=["as it opens", "under an age"])
def test_fresh_marks_of_others_cost_a_stuck_list_nothing(marked: None, older: int) -> None:
    """Right after a bulk, without statistics of the marks: each row is looked up, none is compared with all marks."""
    scope = Scope(kind="", older_than_seconds=older)
    within = branches("")
    statements = [
        sql_of_page(scope),
        sql.SQL("SELECT {}").format(counting.sum_of(within, scope, counting.CAP)),
        sql.SQL("SELECT {}").format(counting._evidence_sql(within, scope, 1_000)),
    ]
    assert [compared(statement) for statement in statements] == [0, 0, 0]
