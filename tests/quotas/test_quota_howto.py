"""docs/howto/quotas.md, run as it stands."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from embedded import paths
from ops_console.access.roles import Role
from quotas import peaks
from quotas.storage_services import request_recount
from tests import people
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
HOWTO = paths.ROOT / "docs/howto/quotas.md"


@pytest.fixture
def followed(backend_dsn, hanna, monkeypatch) -> Iterator[dict[str, Any]]:
    """The names that its blocks leave, run one after the other by a user who uploads 1,000 bytes and deletes 400."""
    monkeypatch.setenv("DATABASE_URL", backend_dsn)
    monkeypatch.setenv("OPS_SNAPSHOT_DIR", "/nonexistent")
    names: dict[str, Any] = {
        "user": hanna,
        "upload": SimpleNamespace(size=1_000, seconds=60),
        "deleted": SimpleNamespace(size=400),
        "store": lambda upload: None,
        "assemble": lambda stop_if: stop_if(),
        "app": FastAPI(),
        "sum_of_files": lambda user_id: [SimpleNamespace(user_id=hanna.id, total=1_234)],
    }
    blocks = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(compile(block, str(HOWTO), "exec"), names)
    yield names
    names["ops"].close()


def test_its_calls_use_what_they_say(followed, hanna):
    """After its blocks a call, an episode, and 1,600 bytes are used, and no place is held."""
    used = {each.resource: each.used for each in followed["ops"].quotas.usage(hanna.id, tier="pro")}
    assert used["api_calls"] == used["episodes_per_month"] == 1
    assert (used["storage_bytes"], used["audio_kept"], used["concurrent_assemblies"]) == (1_600, 60, 0)


def test_its_middleware_counts_by_route(followed, hanna):
    """An export costs ten calls, a ping none, and each answer tells the limit in force."""
    app = followed["app"]
    app.add_api_route("/api/ping", lambda: "pong")
    app.add_api_route("/api/export/{number}", lambda number: number, methods=["POST"])
    client = TestClient(app)
    assert client.post("/api/export/7").headers["ratelimit"].startswith('"api_calls";r=589;')
    assert "ratelimit" not in client.get("/api/ping").headers


def test_its_measure_answers_the_console(followed, hanna):
    """A recount of the user finds what the files say."""
    request_recount(people.actor(Role.OPERATOR), "storage_bytes", hanna.id)
    until(lambda: peaks.drifts("storage_bytes", hanna.id), 30, "the drift")
    (drift,) = peaks.drifts("storage_bytes", hanna.id)
    assert (drift.used, drift.measured) == (1_600, 1_234)
