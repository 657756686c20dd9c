"""What the overview's first figures say."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.alerts.evaluation import make_rules
from incidents.alerts.models import Alert, Rule
from ops_console.access.models import User
from ops_console.contract.models import ConfigChange, Instance
from ops_console.contract.queries import revision

pytestmark = pytest.mark.django_db


def make(seconds: float = 0, **values: Any) -> Instance:
    """A backend process that reported so many seconds ago."""
    at = timezone.now() - timedelta(seconds=seconds)
    given = {
        "service": "podcast-api",
        "host": "node-7",
        "pid": 1,
        "client_version": "1",
        "contract": "v1",
        "revision": revision().revision,
        "token": revision().token,
        "started_at": at,
        "seen_at": at,
    }
    return Instance.objects.create(id=uuid.uuid4(), **{**given, **values})


@pytest.fixture(autouse=True)
def settled() -> None:
    """No process yet, and no revision that is still propagating."""
    Instance.objects.all().delete()
    ConfigChange.objects.all().delete()
    at = timezone.now() - timedelta(minutes=1)
    ConfigChange.objects.create(xid=0, topic="", n=100, token=7, changed_at=at, seen_at=at)


@pytest.mark.parametrize(
    ("processes", "value", "tone", "panel"),
    [
        ([], "No backend yet", "warn", "No backend has connected yet"),
        ([(60, "closed")], "No live backend", "warn", "Ended"),
        ([(7200, "closed")], "No live backend", "warn", "All backend processes ended cleanly"),
        ([(90000, "")], "All silent", "bad", "No backend is live. 1 process crashed or fell silent"),
        ([(60, "crashed"), (30, "")], "All silent", "bad", "No backend is live. 2 processes crashed or fell silent"),
        ([(0, ""), (90000, "")], "0", "bad", "Silent"),
        ([(0, "")], "0", "ok", "Alive"),
    ],
    ids=["never", "stopped", "stopped long ago", "silent for a day", "crashed and silent", "one of two", "live"],
)
def test_no_backend_yet_is_told_apart_from_backends_that_fell_silent(
    viewer: User,
    signed_in: Callable[[User], Client],
    processes: list[tuple[float, str]],
    value: str,
    tone: str,
    panel: str,
) -> None:
    """What was there and fell silent stays on the overview, in red; only without any the page shows how to start."""
    for number, (seconds, ended_as) in enumerate(processes):
        at = timezone.now() - timedelta(seconds=seconds)
        # All started together: none replaces another.
        make(seconds, pid=number, ended_as=ended_as, ended_at=at if ended_as else None,
             started_at=timezone.now() - timedelta(days=2))  # fmt: skip
    answer = signed_in(viewer).get("/")
    tile = answer.context["tiles"]()[3]
    assert (tile.label, tile.value, tile.tone) == ("Processes behind", value, tone)
    shown = answer.content.decode().split('id="overview-processes"')[1].split("</section>")[0]
    assert panel in shown
    assert ("connect-your-backend" in shown) == (not processes)


@pytest.mark.parametrize(
    ("behind", "said"), [(0, "Alive"), (3, "Behind"), (None, "Nothing applied yet")], ids=["level", "behind", "nothing"]
)
@pytest.mark.parametrize("path", ["/", "/system/"])
def test_a_process_is_named_with_how_far_behind_it_is(
    viewer: User, signed_in: Callable[[User], Client], path: str, behind: int | None, said: str
) -> None:
    """Overview and System name each live process and its state; one that has applied nothing is not well."""
    make(revision=None if behind is None else 100 - behind)
    shown = signed_in(viewer).get(path).content.decode()
    assert "node-7" in shown
    assert f"</svg>{said}</span>" in shown


def test_what_fires_is_counted_with_whether_somebody_is_on_it(
    viewer: User, signed_in: Callable[[User], Client]
) -> None:
    """The first figure is how many alerts fire, and how many of them nobody has taken."""
    make_rules()
    now = timezone.now()
    Rule.objects.update(looked_at=now)
    for subject, taken in (("gemini", "oscar"), ("gcs", "")):
        Alert.objects.create(
            rule_id="breaker_open", subject=subject, state="firing", since=now, last_seen_at=now, value=600,
            summary=f"{subject} has been open for 10 min.", acknowledged_by=taken,
        )  # fmt: skip
    tile = signed_in(viewer).get("/").context["tiles"]()[0]
    assert (tile.label, tile.value, tile.note, tile.tone) == (
        "Firing alerts",
        "2",
        "1 unacknowledged; all 8 rules evaluated",
        "bad",
    )
