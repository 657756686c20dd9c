"""Chapter marks: work that the demo tracks, from its first piece to its freed draft."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest

from demo.chapters import KIND, ChapterMarks, Wanted
from demo.database import Database
from demo.guards import GuardedProvider, config_for
from demo.providers import Dial, Provider
from ops_client.client import OpsClient
from ops_client.errors import FallbackExhausted
from ops_client.operations import CommandRejected, OperationLost, RetryCommand
from ops_client.testing import MemoryStore
from tests.waiting import until


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def provider() -> Provider:
    return Provider("assemblyai", "words", 0)


@pytest.fixture
def marks(database: Database, store: MemoryStore, provider: Provider) -> Iterator[ChapterMarks]:
    """On the filled database, in no hurry and without pauses between pieces."""
    ops = OpsClient(service="podcast-test", store=store, snapshot_path=None)
    guarded = GuardedProvider(provider, ops.breaker("assemblyai", config_for("assemblyai")))
    found = ChapterMarks(database, ops.operations, guarded, seconds=(0.0, 0.0))
    yield found
    found.stop()
    ops.close()


def said(store: MemoryStore, statement: str) -> list[dict[str, Any]]:
    return [params["operation"] for name, params in store.executed if name == statement]


def test_work_is_tracked(marks: ChapterMarks, store: MemoryStore) -> None:
    """It starts with what a retry needs, records its draft before it writes it, ends, and the draft is gone."""
    about = {"user_id": "u1", "title": "Whales", "tier": "pro"}
    marks.find(Wanted("chapters-1", about))
    (start,), (end,) = said(store, "operation_start"), said(store, "operation_finish")
    assert (start["kind"], start["payload"], start["providers"]) == (KIND, about, ["assemblyai"])
    recorded = [len(each["resources"]) for each in said(store, "operation_resources")]
    assert (recorded, end["error"]) == ([1, 0], None)
    assert not (Path(gettempdir()) / "chapters-1.chapters").exists()


def test_a_provider_that_fails_fails_it(marks: ChapterMarks, store: MemoryStore, provider: Provider) -> None:
    """The error reaches the console with its group, and the draft is freed all the same."""
    provider.dial = Dial(error_rate=1.0)
    with pytest.raises(FallbackExhausted):
        marks.find(Wanted("chapters-2", {}))
    (end,) = said(store, "operation_finish")
    assert end["error"]["type"].endswith("FallbackExhausted") and end["error"]["group"]
    assert not (Path(gettempdir()) / "chapters-2.chapters").exists()


def test_a_retry_that_nobody_paid_for_is_rejected(marks: ChapterMarks, store: MemoryStore, provider: Provider) -> None:
    """A 402 is no failure that another attempt can end: the console shows why, and the work is not begun."""
    provider.dial = Dial(unpaid=True)
    with pytest.raises(CommandRejected, match="assemblyai answered 402: the account has no credit left") as refusal:
        marks.retry(RetryCommand("chapters-6", 1, 1, {"title": "Whales"}, "again"))
    assert (refusal.value.field, list(marks._retried)) == ("account", [])


def test_a_retry_carries_its_version(marks: ChapterMarks, store: MemoryStore) -> None:
    """What an operator retries is taken up first, under its id and version, with its payload."""
    marks.retry(RetryCommand("chapters-3", 4, 1, {"title": "Whales"}, "again"))
    marks.start()
    until(lambda: bool(said(store, "operation_finish")))
    start = said(store, "operation_start")[0]
    assert (start["operation_id"], start["version"], start["title"]) == ("chapters-3", 4, "Chapters of Whales")


def test_a_retry_that_was_overtaken_does_nothing(marks: ChapterMarks, store: MemoryStore) -> None:
    """The console says no, and no piece is worked on."""
    refused = {"held": False, "version": 5, "attempt": 1, "status": "queued", "resources": []}
    store.tables["operation_start"] = [refused]
    with pytest.raises(OperationLost):
        marks.find(Wanted("chapters-4", {}, version=4))
    assert said(store, "operation_resources") == []
