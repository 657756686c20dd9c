"""What the overview's first figures say."""

import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from incidents.alerts.evaluation import make_rules
from incidents.alerts.models import Alert
from ops_console.access.models import User
from ops_console.contract.models import Instance
from ops_console.contract.queries import revision

pytestmark = pytest.mark.django_db


def test_nobody_behind_is_no_good_news_while_nobody_follows(viewer: User, signed_in: Callable[[User], Client]) -> None:
    """Without a live backend the tile says so in words instead of a calm 0."""
    Instance.objects.all().delete()
    assert "No live backend" in signed_in(viewer).get("/").content.decode()


@pytest.mark.parametrize(
    ("behind", "said"), [(0, "Alive"), (3, "Behind"), (None, "Nothing applied yet")], ids=["level", "behind", "nothing"]
)
@pytest.mark.parametrize("path", ["/", "/system/"])
def test_a_process_is_named_with_how_far_behind_it_is(
    viewer: User, signed_in: Callable[[User], Client], path: str, behind: int | None, said: str
) -> None:
    """Overview and System name each live process and its state; one that has applied nothing is not well."""
    Instance.objects.all().delete()
    now, applied = timezone.now(), None if behind is None else revision().revision - behind
    Instance.objects.create(
        id=uuid.uuid4(), service="podcast-api", host="node-7", pid=1, client_version="1", contract="v1",
        revision=applied, started_at=now, seen_at=now,
    )  # fmt: skip
    shown = signed_in(viewer).get(path).content.decode()
    assert "node-7" in shown
    assert f"</svg>{said}</span>" in shown


def test_what_fires_is_counted_with_whether_somebody_is_on_it(
    viewer: User, signed_in: Callable[[User], Client]
) -> None:
    """The first figure is how many alerts fire, and how many of them nobody has taken."""
    make_rules()
    now = timezone.now()
    for subject, taken in (("gemini", "oscar"), ("gcs", "")):
        Alert.objects.create(
            rule_id="breaker_open", subject=subject, state="firing", since=now, last_seen_at=now, value=600,
            summary=f"{subject} has been open for 10 min.", acknowledged_by=taken,
        )  # fmt: skip
    tile = signed_in(viewer).get("/").context["tiles"]()[0]
    assert (tile.label, tile.value, tile.note, tile.tone) == (
        "Firing alerts",
        "2",
        "1 unacknowledged",
        "bad",
    )
