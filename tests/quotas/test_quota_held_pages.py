"""What a user holds, on their page, and the acts on it."""

import pytest

from ops_console.access.roles import Role
from quotas.models import Reservation, Slot
from tests.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)
REASON = {"reason": "on the phone"}


@pytest.fixture
def operator(resources):
    return signed_in(Role.OPERATOR)


def held(browser, user):
    return browser.get(f"/quotas/users/{user.id}/").context["held"]


def test_a_user_who_holds_nothing_is_said_to(operator, hanna):
    """Nothing held is an empty state, and no table without rows."""
    assert not held(operator, hanna)
    assert "Nothing is held" in operator.get(f"/quotas/users/{hanna.id}/").content.decode()


def test_places_room_and_windows_are_shown(operator, ops, hanna):
    """A place, a reservation and the calls of the window stand on the user's page while they last."""
    ops.quotas.hit("api_calls", hanna.id, tier="pro", cost=3)
    place = ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro")
    room = ops.quotas.reserve("storage_bytes", hanna.id, 2_000_000, tier="pro")
    seen = held(operator, hanna)
    assert [(each.resource, each.service) for each in seen.places] == [("concurrent_assemblies", "tests")]
    assert [each.amount_words for each in seen.rooms] == ["2 MB"]
    assert [(each.resource, each.used) for each in seen.windows] == [("api_calls", 3)]
    place.release()
    room.release()
    seen = held(operator, hanna)
    assert (seen.places, seen.rooms) == ([], [])


def test_each_act_asks_and_then_does(operator, ops, hanna):
    """A reset, a freed place and given-back room each show what they do, want a reason, and are done by a post."""
    ops.quotas.hit("api_calls", hanna.id, tier="pro")
    ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro")
    ops.quotas.reserve("storage_bytes", hanna.id, 1_000, tier="pro")
    holder = Slot.objects.get(user_id=hanna.id, holder__isnull=False).holder
    room = Reservation.objects.get(user_id=hanna.id).pk
    for path in ("api_calls/reset/", f"concurrent_assemblies/places/{holder}/", f"rooms/{room}/"):
        address = f"/quotas/users/{hanna.id}/{path}"
        assert operator.get(address).status_code == 200
        assert operator.post(address, {"reason": ""}).status_code == 422
        assert operator.post(address, REASON).status_code == 303
    assert not held(operator, hanna)


def test_what_is_really_there_offers_no_reset(operator, ops, hanna):
    """Only what is counted over time can be forgotten: the page offers it nowhere else, and the address refuses."""
    ops.quotas.hit("api_calls", hanna.id, tier="pro")
    ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro")
    text = operator.get(f"/quotas/users/{hanna.id}/").content.decode()
    assert "api_calls/reset/" in text
    assert "concurrent_assemblies/reset/" not in text
    answer = operator.post(f"/quotas/users/{hanna.id}/concurrent_assemblies/reset/", REASON)
    assert answer.status_code == 422


def test_a_viewer_sees_and_may_not_act(ops, hanna):
    """What is held is shown to a viewer without a button."""
    ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro")
    text = signed_in(Role.VIEWER).get(f"/quotas/users/{hanna.id}/").content.decode()
    assert "concurrent_assemblies" in text
    assert "/places/" not in text
