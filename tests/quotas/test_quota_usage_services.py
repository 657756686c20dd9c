"""What operators do about use: begin a window anew, free a place, give back room."""

from uuid import uuid4

import pytest
from django.db import connection

from ops_client.quotas.guard import QuotaExceeded, ReservationGone
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput, NotAllowed, NotFound
from quotas.models import Reservation, Ring, Slot
from quotas.usage_services import release_reservation, release_slot, reset_usage
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_window_begins_anew(ops, hanna, allow):
    """A user at the limit of a rate is let through again at once, and the entry says how much was forgotten."""
    allow(hanna, "api_calls", 2)
    ops.quotas.hit("api_calls", hanna.id, tier="pro")
    ops.quotas.hit("api_calls", hanna.id, tier="pro")
    assert not ops.quotas.hit("api_calls", hanna.id, tier="pro").allowed
    assert reset_usage(people.actor(), hanna.id, "api_calls", "on the phone") == 2
    assert ops.quotas.hit("api_calls", hanna.id, tier="pro").allowed
    entry = Entry.objects.filter(action="usage.reset").latest("id")
    assert (entry.before, entry.after, entry.reason) == ({"used": 2}, {"used": 0}, "on the phone")


def test_permits_of_before_a_reset_take_nothing_from_what_is_counted_after(ops, hanna, make_resource):
    """What comes back of permits leased before the window began anew makes no room: nobody had counted them since."""
    name = make_resource(default_limit=100, window_seconds=86_400).name
    with connection.cursor() as cursor:
        cursor.execute("SELECT granted, newest FROM ops_v1.quota_hit(%s, %s, NULL, 1, 10)", [name, hanna.id])
        granted, bucket = cursor.fetchone()
        assert granted == 10
        reset_usage(people.actor(), hanna.id, name)
        assert ops.quotas.hit(name, hanna.id, cost=100).allowed
        cursor.execute("SELECT ops_v1.quota_give_back(%s, %s, %s, %s)", [[name], [hanna.id], [bucket], [granted]])
    assert not ops.quotas.hit(name, hanna.id).allowed


def test_what_has_left_the_window_is_not_told_as_forgotten(resources, hanna):
    """A reset long after the last call forgets nothing, and says so."""
    counts = [0] * 20 + [7]
    Ring.objects.create(resource="api_calls", user_id=hanna.id, window_seconds=60, newest=1, counts=counts)
    assert reset_usage(people.actor(), hanna.id, "api_calls") == 0


def test_a_period_begins_anew(ops, hanna):
    """An allowance that was used is whole again."""
    ops.quotas.consume("episodes_per_month", hanna.id, tier="pro")
    assert reset_usage(people.actor(), hanna.id, "episodes_per_month") == 1
    assert ops.quotas.peek("episodes_per_month", hanna.id, tier="pro").used == 0


@pytest.mark.parametrize(
    ("resource", "instead"), [("storage_bytes", "measured again"), ("concurrent_assemblies", "release a place")]
)
def test_what_is_really_there_is_not_reset(resources, hanna, resource, instead):
    """Storage and places are not forgotten by a click, and the person is told what to do instead."""
    with pytest.raises(InvalidInput, match=instead):
        reset_usage(people.actor(), hanna.id, resource)


def test_a_place_is_freed_for_the_next(ops, hanna, allow):
    """A released place is taken by the next caller, and the old holder's late leave frees nothing of theirs."""
    allow(hanna, "concurrent_assemblies", 1)
    old = ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro")
    with pytest.raises(QuotaExceeded):
        ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro")
    holder = Slot.objects.get(user_id=hanna.id, holder__isnull=False).holder
    release_slot(people.actor(), hanna.id, "concurrent_assemblies", holder, "its worker is gone")
    with ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro"):
        old.release()
        assert Slot.objects.filter(user_id=hanna.id, holder__isnull=False).count() == 1


def test_held_room_is_given_back(ops, hanna):
    """A released reservation counts no longer, and its commit finds it gone."""
    reservation = ops.quotas.reserve("storage_bytes", hanna.id, 1_000, tier="pro")
    held = Reservation.objects.get(user_id=hanna.id)
    release_reservation(people.actor(), hanna.id, held.pk)
    assert ops.quotas.peek("storage_bytes", hanna.id, tier="pro").used == 0
    with pytest.raises(ReservationGone):
        reservation.commit()


def test_what_is_gone_cannot_be_released(resources, hanna):
    """A place or a reservation that ended meanwhile is said to be gone."""
    with pytest.raises(NotFound, match="free already"):
        release_slot(people.actor(), hanna.id, "concurrent_assemblies", uuid4())
    with pytest.raises(NotFound, match="over already"):
        release_reservation(people.actor(), hanna.id, uuid4())


def test_nobodys_place_is_released_under_another_name(ops, hanna, make_user):
    """A holder is looked for with the user whose page it stands on."""
    ops.quotas.lease("concurrent_assemblies", hanna.id, tier="pro")
    holder = Slot.objects.get(user_id=hanna.id, holder__isnull=False).holder
    with pytest.raises(NotFound):
        release_slot(people.actor(), make_user().id, "concurrent_assemblies", holder)


def test_a_viewer_resets_nothing(resources, hanna):
    """Reading is all that a viewer may."""
    for act in (
        lambda actor: reset_usage(actor, hanna.id, "api_calls"),
        lambda actor: release_slot(actor, hanna.id, "concurrent_assemblies", uuid4()),
        lambda actor: release_reservation(actor, hanna.id, uuid4()),
    ):
        with pytest.raises(NotAllowed):
            act(people.actor(Role.VIEWER))
