"""The episode source on a live schema: what it lists, what it counts from, and what it says it cannot do."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from incidents.operations import queries
from incidents.operations.checks import check_sources
from incidents.operations.models import OperationMark
from incidents.operations.scope import Scope
from incidents.operations.sources import SOURCES, CannotRetry, sql_of
from incidents.operations.sources.indexes import wanted_indexes
from incidents.operations.sources.schema import forget
from ops_console.directory import indexes as directory_indexes
from tests.incidents.operations.conftest import GOOD_META, USER, MakeEpisode, make_episode

pytestmark = pytest.mark.django_db
EPISODE = SOURCES["episode_assembly"]


def listed(state: str = "stuck", **more: object) -> list[str]:
    return [operation.operation_id for operation in queries.list_page(Scope(state=state, **more)).rows]


def test_stuck_is_over_two_hours(episode: MakeEpisode) -> None:
    """An episode in progress is stuck after two hours; what is in progress, stuck or not, comes newest first."""
    old, young = episode(hours=2.1), episode(hours=1.9)
    assert listed() == [old]
    assert listed("in_progress") == [young, old]


def test_finished_is_not_stuck(episode: MakeEpisode) -> None:
    """No other status is ever stuck."""
    for status in ("processed", "published", "completed", "awaiting_audio_decision"):
        episode(hours=50, status=status)
    assert listed() == []


def test_queued_is_waiting(episode: MakeEpisode) -> None:
    """Queued for a worker is waiting, however long, and pending for another reason is not even that."""
    queued = episode(hours=50, status="pending", meta_json=json.dumps({"queued_for_worker": True}))
    episode(hours=50, status="pending", meta_json=json.dumps({"queued_for_worker": False}))
    episode(hours=50, status="pending", meta_json='{"queued_for')
    assert listed("waiting") == [queued]
    assert listed() == []


@pytest.mark.parametrize("column", ["last_command_at", "heartbeat_at"])
def test_news_makes_it_not_stuck(episode: MakeEpisode, column: str) -> None:
    """A command of ours or a heartbeat a minute ago is what stuck is counted from."""
    one = episode(hours=30)
    now = datetime.now(UTC)
    OperationMark.objects.create(kind=EPISODE.kind, operation_id=one, **{column: now - timedelta(minutes=1)})
    assert listed() == []
    assert listed("in_progress") == [one]
    OperationMark.objects.update(**{column: now - timedelta(hours=2, minutes=1)})
    assert listed() == [one]


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_the_session_zone_changes_nothing(episode: MakeEpisode, zone: str) -> None:
    """The same rows are stuck in whatever zone the session is."""
    old = episode(hours=2.05)
    episode(hours=1.95)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    assert listed() == [old]
    assert queries.count(Scope()).number == 1


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_the_server_zone_changes_nothing(committed: None, zone: str) -> None:
    """A database that is set to another zone shows the same rows, stuck since the same moment."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    _execute(f"ALTER DATABASE {name} SET timezone = '{zone}'")
    connection.close()
    try:
        old, _ = make_episode(hours=2.05), make_episode(hours=1.95)
        (row,) = queries.list_page(Scope()).rows
        assert row.operation_id == old
        assert abs(datetime.now(UTC) - timedelta(hours=2.05) - row.since) < timedelta(seconds=30)
    finally:
        _execute(f"ALTER DATABASE {name} RESET timezone")
        connection.close()


def test_an_aware_age_column_is_believed(episode: MakeEpisode) -> None:
    """A production table whose age column carries its zone answers the same."""
    old, _ = episode(hours=2.05), episode(hours=1.95)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE public.episode ALTER processed_at TYPE timestamptz USING processed_at AT TIME ZONE 'UTC'"
        )
        cursor.execute("SELECT set_config('TimeZone', 'Asia/Tokyo', true)")
    forget()
    assert listed() == [old]


def test_a_row_without_age_is_listed(episode: MakeEpisode) -> None:
    """Where the column may be NULL, a row without an age is as old as can be, not invisible."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.episode ALTER processed_at DROP NOT NULL")
    forget()
    one = episode(processed_at=None)
    assert listed() == [one]


@pytest.mark.parametrize(
    "text",
    [None, "", "{}", "not json", "[]", "null", '{"main_content_filename": 17}', '{"main_content_filename": " "}'],
)
def test_the_missing_field_is_named(text: str | None) -> None:
    """Whatever stands in meta_json, a refusal names the field that is missing."""
    with pytest.raises(CannotRetry, match="main_content_filename"):
        EPISODE.payload({"meta": text, "operation_id": "x", "owner_id": "y"})


def test_a_queued_payload_is_used() -> None:
    """What was kept while it waited for a worker completes what the details lack."""
    meta = {"assembly_payload": {"main_content_filename": "kept.wav", "use_auphonic": True}, "intents": {"a": 1}}
    payload = EPISODE.payload({"meta": json.dumps(meta), "operation_id": "x", "owner_id": "y"})
    assert payload["main_content_filename"] == "kept.wav"
    assert (payload["use_auphonic"], payload["intents"]) == (True, {"a": 1})


@pytest.mark.parametrize("value", ["NaN", '"a\\u0000b"', '"\\ud800"', "1e999"])
def test_a_payload_that_json_columns_refuse_is_refused_alone(value: str) -> None:
    """NaN, NUL and half characters are valid in the text and not in the outbox: the row says so, nothing breaks."""
    text = f'{{"main_content_filename": "a.wav", "tts_values": {value}}}'
    with pytest.raises(CannotRetry, match="tts_values"):
        EPISODE.storable_payload({"meta": text, "operation_id": "x", "owner_id": "y"})


def test_a_missing_label_costs_one_ability(episode: MakeEpisode) -> None:
    """An enum without `error` still lists and retries; failing says which label is missing."""
    _narrow_enum("pending", "processing", "processed")
    assert EPISODE.why_not("list", EPISODE.live()) == ""
    assert EPISODE.why_not("retry", EPISODE.live()) == ""
    assert "'error'" in EPISODE.why_not("fail", EPISODE.live())
    one = episode()
    assert listed() == [one]
    assert listed("failed") == []


def test_an_enum_without_processing_is_said() -> None:
    """Without any status in progress there is nothing to list, and the page can say why."""
    _narrow_enum("pending", "processed")
    with pytest.raises(queries.SourceUnavailable, match="'processing'"):
        queries.list_page(Scope())
    assert queries.stuck_count().number == 0


def test_a_missing_table_is_said() -> None:
    """A database without the backend's table has nothing stuck, and says that the table is missing."""
    _execute("DROP TABLE public.episode")
    with pytest.raises(queries.SourceUnavailable, match="There is no table"):
        queries.list_page(Scope())
    assert queries.stuck_count().number == 0


def test_a_missing_title_is_no_obstacle(episode: MakeEpisode) -> None:
    """A column that is only shown may be missing: it is empty, and the check says so."""
    one = episode()
    _execute("ALTER TABLE public.episode DROP COLUMN title")
    assert listed() == [one]
    assert any("title is missing" in problem.message for problem in EPISODE.problems(EPISODE.live()))


def test_the_check_prints_the_index_to_make(capsys: pytest.CaptureFixture[str]) -> None:
    """`sources check` prints what can be run as it stands, and no longer once the index is there."""
    call_command("sources", "check")
    assert "CREATE INDEX CONCURRENTLY" in capsys.readouterr().out
    for source in SOURCES.values():
        for statement in wanted_indexes(source, source.live()).values():
            _execute(statement.replace(" CONCURRENTLY", ""))
    for statement in directory_indexes.missing_indexes().values():
        _execute(statement.replace(" CONCURRENTLY", ""))
    call_command("sources", "check")
    assert "CREATE INDEX" not in capsys.readouterr().out


def test_the_index_serves_the_list() -> None:
    """The planner uses the index that the check asks for."""
    for statement in wanted_indexes(EPISODE, EPISODE.live()).values():
        _execute(statement.replace(" CONCURRENTLY", ""))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM public.episode e WHERE e.status IN ('processing') "
            "AND (e.processed_at AT TIME ZONE 'UTC') < now() - interval '2 hours' "
            "ORDER BY (e.processed_at AT TIME ZONE 'UTC'), e.id LIMIT 50"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "episode_ops_in_progress" in plan
    assert "Sort" not in plan


def test_django_checks_name_the_problem() -> None:
    """Django's own check warns of what is missing, and does nothing when no database is asked for."""
    _narrow_enum("pending", "processing")
    messages = check_sources(databases=["default"])
    assert any(message.id == "operations.W001" and "'error'" in message.msg for message in messages)
    assert check_sources(databases=None) == []


def test_filters(episode: MakeEpisode) -> None:
    """Age, owner and text each leave what they should; wildcards in the text are only characters."""
    other = "00000000-0000-4000-8000-000000000002"
    old = episode(hours=30, title="100% done")
    owned = episode(hours=3, title="Other", user_id=other)
    assert listed(older_than_seconds=24 * 3600) == [old]
    assert listed(owners=(other,)) == [owned]
    assert listed(text="100%") == [old]
    assert listed(text="%") == [old]
    assert listed(text=owned[:13].upper()) == [owned]
    assert listed(ids=(owned, "no-uuid")) == [owned]


def test_pages_are_whole_and_without_overlap(episode: MakeEpisode) -> None:
    """Keyset pages show every row once, also where ages are equal."""
    at = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=5)
    made = {episode(processed_at=at) for _ in range(7)}
    first = queries.list_page(Scope(), size=4)
    second = queries.list_page(Scope(), first.next, size=4)
    shown = [row.operation_id for row in (*first.rows, *second.rows)]
    assert set(shown) == made and len(shown) == 7
    assert second.next == ""


def test_the_newest_failure_comes_first(episode: MakeEpisode) -> None:
    """Of what failed, yesterday's is what one looks for."""
    old, new = episode(hours=100, status="error"), episode(hours=5, status="failed")
    assert listed("failed") == [new, old]


def test_the_console_role_needs_little() -> None:
    """Only status and meta_json may be written, and no whole table is asked for."""
    statements = [grant.statement() for grant in EPISODE.grants()]
    assert 'GRANT UPDATE ("status", "meta_json") ON public."episode"' in statements
    assert len(statements) == 2


def test_meta_is_untouched_by_reading(episode: MakeEpisode) -> None:
    """The detail of an operation shows the text as it is kept."""
    one = episode(meta_json='{"half')
    assert queries.detail(EPISODE.kind, one).row["meta"] == '{"half'


def _narrow_enum(*labels: str) -> None:
    values = ", ".join(f"'{label}'" for label in labels)
    _execute(f"CREATE TYPE public.fewer AS ENUM ({values})")
    _execute("ALTER TABLE public.episode ALTER status TYPE public.fewer USING status::text::public.fewer")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    forget()


@pytest.mark.parametrize("meta", [None, "{}", "not json", '{"main_content_filename": " "}'])
def test_the_working_audio_names_the_recording_where_the_details_do_not(meta: str | None) -> None:
    """As the backend does it by itself; what the details say comes first."""
    row = {"operation_id": "1", "owner_id": USER, "meta": meta, "working_audio_name": "working.wav"}
    assert SOURCES["episode_assembly"].payload(row)["main_content_filename"] == "working.wav"
    named = {**row, "meta": GOOD_META}
    assert SOURCES["episode_assembly"].payload(named)["main_content_filename"] == "talk.wav"


def test_a_row_without_a_reason_costs_no_pattern(episode: MakeEpisode) -> None:
    """The reason's name is looked for before the pattern: groups and lists evaluate this for each of very many rows."""
    parts = sql_of(EPISODE, EPISODE.live())
    statement = sql.SQL("SELECT {} {} WHERE {} = 'x'").format(parts.error, parts.origin(), parts.error_group)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("EXPLAIN (VERBOSE) {}").format(statement))
        (condition,) = [line for (line,) in cursor.fetchall() if "md5(" in line]
    assert 0 < condition.index("strpos(") < condition.lower().index("substring")
    texts = {"{}": "", '{"error_reason" : "no \\"disk\\""}': 'no \\"disk\\"', '{"error_reason": 5}': ""}
    made = {episode(status="error", meta_json=text): error for text, error in texts.items()}
    assert {row.operation_id: row.error for row in queries.list_page(Scope(state="failed")).rows} == made
