"""A podcast backend's own tables, episodes of any shape, and the people who act on them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from incidents.operations.sources.schema import forget

GOOD_META = json.dumps({"main_content_filename": "talk.wav", "output_filename": "talk_final", "retry_count": 1})
USER = "00000000-0000-4000-8000-000000000001"
WORKER = "import django; django.setup(); from incidents.operations.release import release_due; release_due()"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
MakeEpisode = Callable[..., str]


@pytest.fixture(autouse=True)
def _fresh_schema() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any) -> None:
    """Actions are released at once; what the wait is for has its own tests."""
    settings.UNDO_SECONDS = settings.UNDO_BULK_SECONDS = 0


@pytest.fixture
def episode(db: None) -> MakeEpisode:
    return make_episode


def make_episode(
    hours: float = 3, status: str = "processing", meta_json: str | None = GOOD_META, title: str = "Talk", **more: Any
) -> str:
    """An episode whose age column says `hours` ago, naive and in UTC; its id."""
    at = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=hours)
    row = {
        "id": str(uuid4()),
        "user_id": USER,
        "podcast_id": str(uuid4()),
        "title": title,
        "status": status,
        "priority": 0,
        "meta_json": meta_json,
        "processed_at": at,
        "created_at": at,
        **dict.fromkeys(_FLAGS, False),
        **more,
    }
    columns = ", ".join(row)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO public.episode ({columns}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values())
        )
    return row["id"]


_FLAGS = ("is_explicit", "has_numbering_conflict", "is_published_to_spreaker", "needs_republish", "auphonic_processed")


def row_of(episode_id: str) -> dict[str, Any]:
    """The episode's row as it stands."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM public.episode WHERE id = %s", [episode_id])
        names = [column.name for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))


def set_status(episode_id: str, status: str) -> None:
    """What a worker that finishes does."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE public.episode SET status = %s WHERE id = %s", [status, episode_id])


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """For tests whose changes other connections must see; the backend's table is emptied afterwards too."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE public.episode")


@pytest.fixture
def worker() -> Iterator[Any]:
    """Starts processes that release what is due; none outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        params = connection.get_connection_params()
        url = f"postgres://{params['user']}@/{connection.settings_dict['NAME']}?host={params['host']}"
        variables = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "ops_console.settings"}
        started.append(subprocess.Popen([sys.executable, "-c", WORKER], env=variables))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def waits_for_a_lock() -> bool:
    """Whether any session of this database waits for another."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])
