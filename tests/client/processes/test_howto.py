"""docs/howto/connect-your-backend.md, run as it stands."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from embedded import paths
from flags.models import Flag
from quotas.models import Resource
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
HOWTO = paths.ROOT / "docs/howto/connect-your-backend.md"
DSN = "postgresql://podcast_backend@db/podcast"


@pytest.fixture
def backend(backend_dsn: str) -> Iterator[tuple[TestClient, dict[str, Any]]]:
    """The application that the document's first three blocks make, running on the test's database."""
    blocks = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    code = "\n".join(blocks[:3])
    assert DSN in code
    names: dict[str, Any] = {}
    exec(compile(code.replace(DSN, backend_dsn), str(HOWTO), "exec"), names)
    with TestClient(names["app"]) as client:
        yield client, names


def test_its_backend_follows_a_flag(backend: tuple[TestClient, dict[str, Any]]) -> None:
    """What a reader copies answers by the flag, and changes its answer when the flag is switched."""
    client, _ = backend
    assert client.get("/player?user_id=7").json() == {"new": False}
    Flag.objects.create(name="new_player", everyone=True)
    until(lambda: client.get("/player?user_id=7").json() == {"new": True}, 10, "the toggle")


def test_its_breaker_and_its_commands_are_registered(backend: tuple[TestClient, dict[str, Any]]) -> None:
    """The guarded call answers, and the backend says of itself that it follows the database."""
    client, names = backend
    assert client.get("/notes", headers={"x-user": "7"}).status_code == 200
    assert names["ops"].breaker("gemini").status().value == "closed"
    assert names["ops"].status()["source"] == "database"


def test_its_limits_refuse_with_the_limit_in_force(backend: tuple[TestClient, dict[str, Any]]) -> None:
    """One call too many answers 429 with Retry-After, a recording too large 413 and without."""
    client, _ = backend
    common = {"title": "t", "unit": "u"}
    Resource.objects.create(name="api_calls", kind="rate", window_seconds=60, default_limit=1, **common)
    Resource.objects.create(name="storage_bytes", kind="storage", default_limit=1000, **common)
    full = client.post("/upload?user_id=7&size_bytes=2000")
    assert (full.status_code, full.json()["limit"], "Retry-After" in full.headers) == (413, 1000, False)
    again = client.get("/notes")
    assert (again.status_code, again.json()["limit"], "Retry-After" in again.headers) == (429, 1, True)
