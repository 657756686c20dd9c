"""Assemblies are taken up only from rows that can be assembled, and finished only by whoever holds them."""

import json
from uuid import uuid4

import pytest
from httpx import Client

from demo.assembly import NotOurs, NotThere, start, start_again
from demo.database import Database
from demo.meta import CannotAssemble, read_meta, with_job
from demo.seeding.meta import ODD_SHAPES
from demo.worker import Worker
from tests.waiting import until

STUCK = "SELECT id::text, meta_json, status::text FROM public.episode WHERE status = 'processing'"
GOOD = STUCK + " AND meta_json LIKE '{%%\"assembly_job_id\": \"asm-%%' AND meta_json LIKE '{\"main_content%%' "
ROW = "SELECT status::text, meta_json, final_audio_path FROM public.episode WHERE id = %(id)s::uuid"
FAIL = "UPDATE public.episode SET status = 'error' WHERE id = %(id)s::uuid"


def good_one(database: Database) -> str:
    return str(database.fetch(GOOD + "ORDER BY random() LIMIT 1")[0]["id"])


def row(database: Database, episode_id: str) -> dict[str, object]:
    return database.fetch(ROW, {"id": episode_id})[0]


@pytest.mark.parametrize("text", [shape for shape, _times in ODD_SHAPES])
def test_odd_meta_is_refused_by_name(text: str | None) -> None:
    """A row whose JSON is absent, broken or lacks the recording names the field that is missing."""
    with pytest.raises(CannotAssemble) as refusal:
        with_job(read_meta(text), "demo-1")
    assert refusal.value.field in str(refusal.value)


def test_odd_row_is_left_as_it_is(client: Client, database: Database) -> None:
    """A row that cannot be assembled answers 422 with the field, unchanged."""
    episode_id = database.fetch(STUCK + " AND meta_json = '[]' LIMIT 1")[0]["id"]
    before = row(database, episode_id)
    answer = client.post(f"/api/assemble/{episode_id}")
    assert (answer.status_code, answer.json()["field"]) == (422, "meta_json")
    assert row(database, episode_id) == before


def test_unknown_episode(client: Client) -> None:
    """An episode that is not there is a 404."""
    assert client.post(f"/api/assemble/{uuid4()}").status_code == 404


def test_upload_then_assemble(client: Client, database: Database) -> None:
    """An uploaded episode waits as pending, and is processed a few seconds after it was given to the worker."""
    new = client.post("/api/episodes", params={"user": "pro@example.com"}, json={"title": "New", "size_bytes": 1024})
    assert new.status_code == 201
    episode_id = new.json()["episode_id"]
    assert row(database, episode_id)["status"] == "pending"
    assert client.post(f"/api/assemble/{episode_id}").status_code == 202
    until(lambda: row(database, episode_id)["status"] == "processed", 15)
    assert row(database, episode_id)["final_audio_path"]


def test_retry_twice(database: Database) -> None:
    """The same command twice changes the row once."""
    episode_id = good_one(database)
    job = start_again(database, episode_id, 3, {})
    before = row(database, episode_id)
    assert start_again(database, episode_id, 3, {}) == job
    assert row(database, episode_id) == before


def test_earlier_version_is_too_late(database: Database) -> None:
    """A command that was overtaken by a later one does nothing."""
    episode_id = good_one(database)
    start_again(database, episode_id, 3, {})
    before = row(database, episode_id)
    assert start_again(database, episode_id, 2, {}) is None
    assert row(database, episode_id) == before


def test_retry_of_what_was_decided(database: Database) -> None:
    """An episode that was failed or finished meanwhile is not revived."""
    episode_id = good_one(database)
    database.execute(FAIL, {"id": episode_id})
    with pytest.raises(NotOurs):
        start_again(database, episode_id, 3, {})
    assert row(database, episode_id)["status"] == "error"


def test_console_may_know_the_recording(database: Database) -> None:
    """What the command carries counts where the row lacks it."""
    episode_id = database.fetch(STUCK + " AND meta_json = '{}' LIMIT 1")[0]["id"]
    start_again(database, episode_id, 1, {"main_content_filename": "kept.wav", "episode_id": episode_id})
    meta = json.loads(str(row(database, episode_id)["meta_json"]))
    assert (meta["main_content_filename"], "episode_id" in meta) == ("kept.wav", False)


def test_queued_marks_are_gone(database: Database) -> None:
    """An episode that waited is no longer marked as waiting once it is taken up."""
    queued = database.fetch("SELECT id::text FROM public.episode WHERE meta_json LIKE '%queued_for_worker%' LIMIT 1")
    start(database, queued[0]["id"])
    meta = json.loads(str(row(database, queued[0]["id"])["meta_json"]))
    assert not {"queued_for_worker", "queued_at", "assembly_payload"} & set(meta)


def test_somebody_was_faster(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that changed between reading and writing is left to whoever changed it."""
    episode_id = good_one(database)
    fetch = database.fetch

    def fetch_then_lose(statement: str, params: dict[str, object]) -> list[dict[str, object]]:
        rows = fetch(statement, params)
        database.execute(FAIL, {"id": episode_id})
        return rows

    monkeypatch.setattr(database, "fetch", fetch_then_lose)
    with pytest.raises(NotOurs):
        start(database, episode_id)


def test_no_such_episode(database: Database) -> None:
    """Taking up what is not there says so."""
    with pytest.raises(NotThere):
        start(database, str(uuid4()))


def test_late_finish_changes_nothing(database: Database) -> None:
    """A worker whose row was failed meanwhile, or given to a later job, writes nothing."""
    failed, taken, own = good_one(database), good_one(database), good_one(database)
    jobs = [start(database, episode_id) for episode_id in (failed, taken, own)]
    database.execute(FAIL, {"id": failed})
    start(database, taken)
    worker = Worker(database, seconds=(0.0, 0.0))
    for job in jobs:
        worker.take(job)
    worker.start()
    until(lambda: row(database, own)["status"] == "processed")
    worker.stop()
    assert row(database, failed)["status"] == "error"
    # The later job is nobody's but the recovered queue's: it is never finished under the earlier one's name.
    assert jobs[1].id not in str(row(database, taken)["meta_json"])


def test_work_is_taken_up_after_a_restart(database: Database) -> None:
    """A job whose process ended is finished by the next worker."""
    episode_id = good_one(database)
    start(database, episode_id)
    worker = Worker(database, seconds=(0.0, 0.0))
    worker.start()
    until(lambda: row(database, episode_id)["status"] == "processed")
    worker.stop()
