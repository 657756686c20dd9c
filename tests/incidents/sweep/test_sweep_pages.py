"""The sweep's pages: kinds, runs and their report, arming with numbers, disarming by a click."""

from typing import Any

import pytest
from django.urls import reverse

from incidents.operations.release import release_due
from incidents.sweep import services
from incidents.sweep.models import Arming
from ops_console.access.roles import Role
from tests.incidents.operations.conftest import make_episode, row_of
from tests.people import actor, signed_in

pytestmark = pytest.mark.django_db
KIND = "episode_assembly"


@pytest.fixture(autouse=True)
def _at_once(settings: Any) -> None:
    settings.UNDO_SECONDS = settings.UNDO_BULK_SECONDS = 0


def test_arming_asks_with_numbers() -> None:
    """An admin reads what would be failed now, says why, and it is armed; a viewer sees no button."""
    make_episode(hours=7)
    alice = signed_in(Role.ADMIN)
    question = alice.get(reverse("sweep:arm", args=[KIND])).content.decode()
    assert "1 are past their limit: 0 dead and 1 suspected. A run now would fail all of them." in question
    assert alice.post(reverse("sweep:arm", args=[KIND]), {"reason": ""}).status_code == 422
    alice.post(reverse("sweep:arm", args=[KIND]), {"reason": "it is time"})
    assert Arming.objects.get().armed
    assert "Arm…" not in signed_in(Role.VIEWER).get(reverse("sweep:overview")).content.decode()


def test_the_report_leads_to_the_outcomes_and_back() -> None:
    """The page of a run counts, links the action, and offers to take the run back; which then happens."""
    services.arm(actor(Role.ADMIN), KIND, None, "it is time")
    one = make_episode(hours=7)
    run = services.sweep(KIND)
    release_due()
    oscar = signed_in(Role.OPERATOR)
    report = oscar.get(reverse("sweep:run", args=[run.pk])).content.decode()
    assert "Revert the run" in report and reverse("operations:action", args=[run.action_id]) in report
    address = reverse("operations:take_back", args=[run.action_id])
    assert "Take back 1" in oscar.get(address).content.decode()
    oscar.post(address, {"reason": "the host came back"})
    release_due()
    assert row_of(one)["status"] == "processing"


def test_a_click_disarms() -> None:
    """Any operator, without a question."""
    services.arm(actor(Role.ADMIN), KIND, None, "it is time")
    signed_in(Role.OPERATOR).post(reverse("sweep:disarm", args=[KIND]))
    assert not Arming.objects.get().armed


def test_runs_are_listed() -> None:
    """The newest first, with why; those that found nothing are not."""
    services.sweep(KIND)
    assert "Nothing was found" in signed_in(Role.VIEWER).get(reverse("sweep:overview")).content.decode()
    make_episode(hours=7)
    services.sweep(KIND)
    page = signed_in(Role.VIEWER).get(reverse("sweep:overview")).content.decode()
    assert "Not armed: this is what would have been failed." in page


def test_a_question_under_a_mass_stop_says_one_thing() -> None:
    """Where a run would stop, the question does not promise that it fails anything."""
    for _ in range(102):
        make_episode(hours=7)
    question = signed_in(Role.ADMIN).get(reverse("sweep:arm", args=[KIND])).content.decode()
    assert "102 are past their limit" in question and "A run now would fail none." in question
    assert "would fail 102" not in question and "all of them" not in question
