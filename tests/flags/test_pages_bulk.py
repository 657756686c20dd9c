"""Archiving many flags: asked with what it will do, done with a reason, and what may not go is left alone."""

import pytest
from django.test import Client
from django.urls import reverse

from flags import services
from flags.models import Flag
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from tests.flags.usage_rows import asked
from tests.people import actor, signed_in
from tests.plain_form import fields_of, sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def flags() -> dict[str, Flag]:
    made = {name: services.create(actor(), name, {}) for name in ("one", "two", "parent")}
    made["kept"] = services.create(actor(), "kept", {"protected": True})
    services.create(actor(), "child", {"prerequisites": [{"flag": "parent"}]})
    return made


def question(client: Client, **body: object) -> str:
    return client.post(reverse("flags:bulk"), body).content.decode()


def confirmed(client: Client, page: str, reason: str) -> int:
    body = page.replace('<form class="confirm"', '<form id="asked" class="confirm"')
    answer = client.post(reverse("flags:bulk"), sent(fields_of(body, "asked"), reason=reason))
    return answer.status_code


def test_it_says_what_it_will_do_and_does_that(flags: dict[str, Flag]) -> None:
    """Asked for lately, protected, needed by another: told before; the rest is archived, each with the reason."""
    asked("two", 0, 3)
    client = signed_in(Role.OPERATOR)
    page = question(client, ids=[flag.pk for flag in flags.values()])
    assert "Archive 2 flags?" in page and "1 of them were asked for in the last 7 days: two" in page
    assert "kept stays: it is protected" in page and "parent stays: it is a prerequisite of child" in page
    assert not Flag.objects.exclude(archived_at=None).exists()
    assert confirmed(client, page, "autumn cleaning") == 303
    gone = Flag.objects.exclude(archived_at=None).order_by("name").values_list("name", flat=True)
    assert list(gone) == ["one", "two"]
    assert Entry.objects.filter(action="flag.archive", reason="autumn cleaning").count() == 2


def test_it_asks_for_a_reason(flags: dict[str, Flag]) -> None:
    """Without one the question comes back, and nothing is archived."""
    client = signed_in(Role.OPERATOR)
    assert confirmed(client, question(client, ids=[flags["one"].pk]), " ") == 422
    assert not Flag.objects.exclude(archived_at=None).exists()


def test_all_that_match_are_those_that_matched_when_it_was_asked(flags: dict[str, Flag]) -> None:
    """A flag that comes to match between the question and the answer is not archived."""
    client = signed_in(Role.OPERATOR)
    page = question(client, all="1", query="q=o")
    services.create(actor(), "other", {})
    assert confirmed(client, page, "cleaning") == 303
    gone = Flag.objects.exclude(archived_at=None).order_by("name").values_list("name", flat=True)
    assert list(gone) == ["one", "two"]


@pytest.mark.parametrize("ids", [[], ["x"], ["999999999999999999999"], ["0"]])
def test_nothing_selected_is_refused(ids: list[str]) -> None:
    """Ids that are none, or none that is there, are answered with a sentence."""
    answer = signed_in(Role.OPERATOR).post(reverse("flags:bulk"), {"ids": ids})
    assert answer.status_code == 422 and "No flag is selected" in answer.content.decode()
