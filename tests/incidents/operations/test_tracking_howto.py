"""docs/howto/track-operations.md: its program runs as it stands."""

import re
from typing import Any

import pytest

from embedded import paths
from incidents.operations.filters import FilterForm
from ops_client import OpsClient
from ops_client.operations import RetryCommand
from ops_client.testing import MemoryStore

TEXT = (paths.ROOT / "docs/howto/track-operations.md").read_text()
EPISODE = {"user_id": "u1", "title": "Whales", "chapters": ["one", "two"]}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The document's program, on a store without a database, with what it takes from its backend."""
    found = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert found
    freed: list[str] = []
    names: dict[str, Any] = {
        "delete_object": freed.append,
        "append": lambda *_: None,
        "ask_gemini": str,
        "freed": freed,
    }
    monkeypatch.setattr(
        "ops_client.OpsClient", lambda service: OpsClient(service=service, store=MemoryStore(), snapshot_path=None)
    )
    exec(compile(found.group(1), "track-operations.md", "exec"), names)
    return names


def test_the_program_tracks_and_frees(program: dict[str, Any]) -> None:
    """Work and its retry start, tell how far they are, end, and free the draft."""
    program["write_notes"]("notes-1", EPISODE)
    program["retry"](RetryCommand("notes-1", 3, 1, EPISODE, "again"))
    sent = program["ops"].runtime.store.executed
    starts = [params["operation"]["version"] for name, params in sent if name == "operation_start"]
    assert starts == [None, 3]
    assert program["freed"] == ["gs://drafts/notes-1"] * 2
    program["ops"].close()


@pytest.mark.django_db
def test_every_filter_is_told_of() -> None:
    """What the address takes stands in the document."""
    assert [name for name in FilterForm().fields if f"`{name}`" not in TEXT] == []
