"""What a failed episode leaves behind is removed: local and in the bucket, once, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from demo.commands import EpisodeCommands
from demo.database import Database
from demo.files import audio_folder, free
from ops_client.operations import CommandRejected, FreeCommand

NOBODY = "00000000-0000-4000-8000-00000000dead"
ONE = "SELECT id::text, user_id::text FROM public.episode WHERE status::text = %(status)s LIMIT 1"


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEMO_STORAGE", str(tmp_path))
    return tmp_path


@pytest.fixture
def commands(database: Database, storage: Path) -> EpisodeCommands:
    worker: Any = None
    return EpisodeCommands(database, worker)


def episode(database: Database, status: str) -> dict[str, Any]:
    return database.fetch(ONE, {"status": status})[0]


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"audio")
    return path


def command(row: dict[str, Any], name: str | None = "talk.wav") -> FreeCommand:
    return FreeCommand(row["id"], 1, {"owner_id": row["user_id"], "working_audio_name": name}, "lost")


def test_local_and_bucket_files_go(database: Database, commands: EpisodeCommands, storage: Path) -> None:
    """The working file and everything in the episode's folder; a second time there is nothing, and no error."""
    row = episode(database, "error")
    folder = storage / audio_folder(row["user_id"], row["id"]).removeprefix("gs://")
    mine = [put(storage / "working/talk.wav"), put(folder / "part-1.wav"), put(folder / "chunks/0001.wav")]
    others = [put(storage / "working/other.wav"), put(folder.parent.parent / "another/audio/part-1.wav")]
    commands.free(command(row))
    commands.free(command(row))
    assert not any(path.exists() for path in mine)
    assert all(path.exists() for path in others)


def test_a_finished_recording_stays(database: Database, commands: EpisodeCommands, storage: Path) -> None:
    """What was published before is not a working file."""
    row = episode(database, "error")
    database.execute("UPDATE public.episode SET final_audio_path = 'a/final.mp3' WHERE id = %(id)s::uuid", row)
    folder = storage / audio_folder(row["user_id"], row["id"]).removeprefix("gs://")
    final, part = put(folder / "final.mp3"), put(folder / "part-1.wav")
    commands.free(command(row, None))
    assert final.exists() and not part.exists()


def test_what_runs_again_keeps_its_files(database: Database, commands: EpisodeCommands, storage: Path) -> None:
    """An episode that its backend has taken up since is refused, by its status."""
    row = episode(database, "processing")
    mine = put(storage / "working/talk.wav")
    with pytest.raises(CommandRejected) as refusal:
        commands.free(command(row))
    assert (refusal.value.field, mine.exists()) == ("status", True)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "a/../../secret"])
def test_nothing_outside_is_touched(
    database: Database, commands: EpisodeCommands, storage: Path, tmp_path: Path, name: str
) -> None:
    """A name that leads out of the storage is refused."""
    secret = put(storage.parent / "secret")
    with pytest.raises(CommandRejected) as refusal:
        commands.free(command(episode(database, "error"), name))
    assert refusal.value.field == "working_audio_name"
    assert secret.exists()


def test_an_episode_that_is_gone(commands: EpisodeCommands) -> None:
    """Nothing says whose the files are: refused."""
    with pytest.raises(CommandRejected):
        commands.free(command({"id": NOBODY, "user_id": NOBODY}))


def test_a_bucket_that_has_nothing(storage: Path) -> None:
    """A folder that is not there is freed already."""
    assert free(audio_folder(NOBODY, NOBODY)) == 0
