"""Operators' retries are taken up, or rejected with the field that is missing."""

from typing import Any

import pytest

from demo.assembly import Job
from demo.commands import EpisodeCommands
from demo.database import Database, DatabaseAway
from ops_client.operations import CommandRejected, RetryCommand

STUCK = "SELECT id::text FROM public.episode WHERE status = 'processing' AND meta_json LIKE %(shape)s LIMIT 1"
NOBODY = "00000000-0000-4000-8000-00000000dead"


class Queue:
    """A worker that only takes."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def take(self, job: Job) -> None:
        self.jobs.append(job)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def commands(database: Database, queue: Any) -> EpisodeCommands:
    return EpisodeCommands(database, queue)


def command(operation_id: str, version: int = 1) -> RetryCommand:
    return RetryCommand(operation_id=operation_id, version=version, attempt=1, payload={}, reason="stuck")


def stuck(database: Database, shape: str) -> str:
    return str(database.fetch(STUCK, {"shape": shape})[0]["id"])


def test_retry_reaches_the_worker(database: Database, commands: EpisodeCommands, queue: Queue) -> None:
    """A good row is queued under a job id that carries the version."""
    episode_id = stuck(database, '{"main_content_filename": "%.wav"%asm-%')
    commands.retry(command(episode_id, 7))
    assert queue.jobs == [Job(f"demo-v7-{episode_id}", episode_id)]


@pytest.mark.parametrize(
    ("shape", "field"),
    [("[]", "meta_json"), ("not json%", "meta_json"), ('{"output%no-main%', "main_content_filename")],
)
def test_rejected_by_field(database: Database, commands: EpisodeCommands, queue: Queue, shape: str, field: str) -> None:
    """A row that cannot be assembled is rejected for good, with the field."""
    with pytest.raises(CommandRejected) as refusal:
        commands.retry(command(stuck(database, shape)))
    assert (refusal.value.field, queue.jobs) == (field, [])


@pytest.mark.parametrize("shape", ["[]", "not json%"])
def test_a_recording_that_the_command_names_is_enough(
    database: Database, commands: EpisodeCommands, queue: Queue, shape: str
) -> None:
    """Where meta_json cannot be read, the console falls back to the row's working audio and sends its name."""
    episode_id = stuck(database, shape)
    payload = {"main_content_filename": "working.wav"}
    commands.retry(RetryCommand(operation_id=episode_id, version=1, attempt=1, payload=payload, reason="stuck"))
    assert queue.jobs == [Job(f"demo-v1-{episode_id}", episode_id)]


def test_unknown_episode_is_rejected(commands: EpisodeCommands) -> None:
    """An episode that was deleted meanwhile is rejected for good."""
    with pytest.raises(CommandRejected):
        commands.retry(command(NOBODY))


def test_database_away_is_tried_again(nowhere: str, queue: Any) -> None:
    """With the database away the command is not rejected: it comes again."""
    database = Database(nowhere)
    database.open()
    with pytest.raises(DatabaseAway):
        EpisodeCommands(database, queue).retry(command(NOBODY))
    database.close()
