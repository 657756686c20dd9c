"""The seed looks like a product, and holds every odd shape that the console must cope with."""

import json
from datetime import datetime
from typing import Any

import psycopg
import pytest

from demo.seed import _tables, seed
from demo.seeding.draw import Draw
from demo.seeding.users import TIER_WEIGHTS

OLD = "status = 'processing' AND processed_at < (now() AT TIME ZONE 'UTC') - interval '2 hours'"


@pytest.fixture
def connection(pristine: str) -> Any:
    with psycopg.connect(pristine) as connection:
        yield connection


def value(connection: psycopg.Connection, statement: str) -> Any:
    return connection.execute(statement).fetchone()[0]


def test_stuck(connection: psycopg.Connection) -> None:
    """Two thousand episodes have been processing for between three hours and three days."""
    assert value(connection, f"SELECT count(*) FROM episode WHERE {OLD}") == 2_000
    spread = "min(age) > interval '3 hours' AND max(age) < interval '73 hours' AND max(age) > interval '60 hours'"
    ages = f"(SELECT (now() AT TIME ZONE 'UTC') - processed_at AS age FROM episode WHERE {OLD}) AS ages"
    assert value(connection, f"SELECT {spread} FROM {ages}")


def test_fresh_ones_are_not_stuck(connection: psycopg.Connection) -> None:
    """Some are in assembly rightly, for less than two hours."""
    assert value(connection, f"SELECT count(*) FROM episode WHERE status = 'processing' AND NOT ({OLD})") == 45


def test_waiting(connection: psycopg.Connection) -> None:
    """Episodes that wait for a worker are pending and say so in their JSON."""
    queued = "status = 'pending' AND meta_json LIKE '%queued_for_worker%'"
    rows = connection.execute(f"SELECT meta_json FROM episode WHERE {queued}").fetchall()
    assert len(rows) == 160
    wanted = {"queued_for_worker", "queued_at", "assembly_payload", "retry_count"}
    assert all(wanted <= set(json.loads(text)) for (text,) in rows)


@pytest.mark.parametrize(
    "shape",
    [
        "meta_json IS NULL",
        "meta_json = '{}'",
        "meta_json = '[]'",
        "meta_json = ''",
        "meta_json = 'null'",
        "meta_json LIKE '%half\\_writ'",
        "meta_json = 'not json at all'",
        "meta_json LIKE '{%' AND meta_json NOT LIKE '%main\\_content\\_filename%'",
        "title LIKE '=HYPERLINK(%'",
        "title LIKE '%<script>%'",
        "title = ''",
        "working_audio_name IS NULL",
    ],
)
def test_odd_shapes_are_among_the_stuck(connection: psycopg.Connection, shape: str) -> None:
    """Broken, missing and hostile texts stand among the stuck episodes."""
    assert value(connection, f"SELECT count(*) FROM episode WHERE {OLD} AND ({shape})") > 0


def test_users_of_all_tiers(connection: psycopg.Connection) -> None:
    """Two thousand users, some of each tier, one of each known by mail."""
    assert value(connection, 'SELECT count(*) FROM "user"') == 2_000
    assert set(value(connection, 'SELECT array_agg(DISTINCT tier) FROM "user"')) == set(TIER_WEIGHTS)
    known = "SELECT count(*) FROM \"user\" WHERE email = tier || '@example.com' AND is_active"
    assert value(connection, known) == len(TIER_WEIGHTS)


def test_media_belongs_to_episodes(connection: psycopg.Connection) -> None:
    """Every recording that an episode names is there with its owner, and sizes fit the upload limit."""
    strays = """
        SELECT count(*) FROM mediaitem m LEFT JOIN episode e ON e.id = m.used_in_episode_id
        WHERE m.category = 'main_content' AND (e.user_id IS DISTINCT FROM m.user_id
              OR position(m.filename IN e.meta_json) = 0)
    """
    assert value(connection, strays) == 0
    assert value(connection, "SELECT max(filesize) <= 500 * 1024 * 1024 AND min(filesize) > 0 FROM mediaitem")


def test_nothing_from_the_future(connection: psycopg.Connection) -> None:
    """Every naive time is UTC and past."""
    for table in ("episode", "mediaitem", '"user"', "notification", "transcriptionwatch"):
        assert value(connection, f"SELECT max(created_at) <= now() AT TIME ZONE 'UTC' FROM {table}")


def test_second_seed(pristine: str) -> None:
    """Where there is data, nothing is added."""
    assert seed(pristine) is False


def test_same_every_time() -> None:
    """Two seeds at one time give the same rows."""
    now = datetime(2026, 11, 23, 12)
    assert _tables(Draw(now), 50, 2_300) == _tables(Draw(now), 50, 2_300)
