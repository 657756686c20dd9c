"""The System page: what each periodic task did last."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from ops_console.access.roles import Role
from ops_console.celery import BEAT
from ops_console.contract.models import Instance
from ops_console.telemetry.models import TaskRun
from tests.people import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("ago", "error", "word"), [(0, "", "Done"), (0, "ValueError: no", "ValueError: no"), (3, "", "Late")]
)
def test_a_task_shows_how_it_did(ago: int, error: str, word: str) -> None:
    """A run that was well, one that failed with its error, and one that should have come again by now."""
    name, seconds = max(BEAT.items(), key=lambda item: item[1])
    at = timezone.now() - timedelta(seconds=seconds * ago)
    TaskRun.objects.create(name=name, started_at=at, finished_at=at, duration_seconds=1, error=error)
    page = signed_in(Role.VIEWER).get("/system/").content.decode()
    row = page.split(f">{name}<")[1].split("</tr>")[0]
    assert word in row


@pytest.mark.parametrize(
    ("dropped", "shown"),
    [
        ({"operations": 12, "flag_usage": 3}, "flag_usage 3, operations 12"),
        ([1], ""),
        ({"a": {"b": 1}}, ""),
        ("x", ""),
    ],
)
def test_a_process_shows_what_it_could_not_store(dropped: object, shown: str) -> None:
    """Counts of dropped items by kind; whatever else a backend's role wrote there breaks no page."""
    now = timezone.now()
    Instance.objects.create(
        id=uuid4(),
        service="api",
        host="h",
        pid=1,
        client_version="1",
        contract="v1",
        started_at=now,
        seen_at=now,
        dropped=dropped,
    )
    answer = signed_in(Role.VIEWER).get("/system/")
    assert answer.status_code == 200
    assert ("Not stored since it started" in answer.content.decode()) == bool(shown)
    assert shown in answer.content.decode()
