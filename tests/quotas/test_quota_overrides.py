"""Overrides as operators give them: who may, what is refused, what holds on the next call, what is kept."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ops_client.quotas.decide import Source
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import Conflict, InvalidInput, NotAllowed, NotFound
from quotas.models import Override
from quotas.services import Wanted, remove_override, restore_override, set_override
from quotas.tasks import end_overrides
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)


def wanted(limit=100, **values):
    return Wanted(**{"limit": limit, "expires_at": None, "reason": "a launch", **values})


def limit_of(ops, user):
    decision = ops.quotas.hit("api_calls", user.id, tier=user.tier)
    return decision.limit, decision.source


def test_an_edit_holds_on_the_next_call(ops, hanna):
    """The very next call of the user goes by the new limit, and after the removal by the tier's again."""
    assert limit_of(ops, hanna) == (600, Source.TIER)
    set_override(people.actor(), hanna.id, "api_calls", wanted(7))
    assert limit_of(ops, hanna) == (7, Source.OVERRIDE)
    remove_override(people.actor(), hanna.id, "api_calls", version=1)
    assert limit_of(ops, hanna) == (600, Source.TIER)


def test_an_override_ends_at_its_second(ops, hanna, allow):
    """One that has run out has no effect, before any task has moved it to history."""
    given = allow(hanna, "api_calls", 7, expires_at=timezone.now() + timedelta(hours=1))
    Override.objects.filter(pk=given.pk).update(expires_at=timezone.now() - timedelta(milliseconds=1))
    assert limit_of(ops, hanna) == (600, Source.TIER)


def test_what_ran_out_goes_to_history_and_makes_room(resources, hanna, allow):
    """A new override can be given at once where an old one has run out; the old one is kept with when it ended."""
    given = allow(hanna, "api_calls", 7, expires_at=timezone.now() + timedelta(hours=1))
    ended = timezone.now() - timedelta(minutes=1)
    Override.objects.filter(pk=given.pk).update(expires_at=ended)
    newer = allow(hanna, "api_calls", 8)
    given.refresh_from_db()
    assert (given.ended, given.ended_at) == ("expired", ended)
    assert newer.pk != given.pk


def test_the_task_ends_what_has_run_out_and_nothing_else(resources, hanna, allow, make_user):
    """The periodic task moves what has run out to history, and leaves an idle table and its revision alone."""
    end_overrides()
    allow(make_user(), "api_calls", 9, expires_at=timezone.now() + timedelta(hours=1))
    given = allow(hanna, "api_calls", 7, expires_at=timezone.now() + timedelta(hours=1))
    Override.objects.filter(pk=given.pk).update(expires_at=timezone.now())
    assert end_overrides() == 1
    before = revision()
    assert end_overrides() == 0
    assert revision() == before


def revision():
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM ops_v1.revision")
        return cursor.fetchone()


def test_the_second_of_two_operators_sees_both_versions(resources, hanna, allow):
    """Two who edit one override at once: the second is told what the first made of it."""
    allow(hanna, "api_calls", 100)
    set_override(people.actor(), hanna.id, "api_calls", wanted(200, version=1))
    with pytest.raises(Conflict) as conflict:
        set_override(people.actor(Role.ADMIN), hanna.id, "api_calls", wanted(300, version=1))
    assert (conflict.value.current["limit"], conflict.value.submitted["limit"]) == (200, 300)
    assert conflict.value.current["version"] == 2
    assert Override.objects.get(user_id=hanna.id).limit == 200


def test_two_who_both_give_the_first_one_conflict(resources, hanna, allow):
    """Two who saw no override and give one: the second is told."""
    allow(hanna, "api_calls", 100)
    with pytest.raises(Conflict):
        set_override(people.actor(), hanna.id, "api_calls", wanted(300, version=0))


def test_an_override_that_vanished_meanwhile_is_a_conflict(resources, hanna, allow):
    """Somebody removed it while it was being edited: the editor is told, and nothing is given."""
    allow(hanna, "api_calls", 100)
    remove_override(people.actor(), hanna.id, "api_calls", version=1)
    with pytest.raises(Conflict, match="removed") as refused:
        set_override(people.actor(), hanna.id, "api_calls", wanted(300, version=1))
    assert refused.value.target == ("override", f"{hanna.id}/api_calls")


@pytest.mark.parametrize("limit", [-1, 2**53 + 1, 10**400, "many", "", "1.5", True])
def test_an_impossible_limit_is_refused_by_name(resources, hanna, limit):
    """Negative, huge and textual limits are refused with a sentence that names the field and the range."""
    with pytest.raises(InvalidInput, match=r"limit: .*0 to 9,007,199,254,740,992"):
        set_override(people.actor(), hanna.id, "api_calls", wanted(limit))


@pytest.mark.parametrize("limit", [0, 1, 2**53])
def test_the_ends_of_the_range_hold(ops, hanna, limit):
    """0, 1 and 2^53 are limits: the first lets nothing through."""
    set_override(people.actor(), hanna.id, "api_calls", wanted(limit))
    decision = ops.quotas.hit("api_calls", hanna.id)
    assert (decision.allowed, decision.limit) == (limit > 0, limit)


def test_no_limit_only_where_the_resource_says_so(make_resource, hanna):
    """A resource that always has a limit takes no override without one."""
    with pytest.raises(InvalidInput, match="always has a limit"):
        set_override(people.actor(), hanna.id, make_resource(default_limit=5).name, wanted(None))


def test_an_expiry_in_the_past_is_refused(resources, hanna):
    """An override that could never hold is a mistake."""
    with pytest.raises(InvalidInput, match="expires_at"):
        set_override(people.actor(), hanna.id, "api_calls", wanted(expires_at=timezone.now()))


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_asked_for(resources, hanna, reason):
    """Somebody will ask why this user has more than others."""
    with pytest.raises(InvalidInput, match="reason"):
        set_override(people.actor(), hanna.id, "api_calls", wanted(reason=reason))


def test_a_viewer_gives_nothing(resources, hanna):
    """The service refuses whoever is no operator, whichever door they came by."""
    with pytest.raises(NotAllowed):
        set_override(people.actor(Role.VIEWER), hanna.id, "api_calls", wanted())


@pytest.mark.parametrize("user_id", ["nobody", "00000000-0000-0000-0000-000000000000", "'; DROP TABLE x", "a\0b", ""])
def test_an_id_that_nobody_has_is_not_found(resources, user_id):
    """Ids that are no UUID, and UUIDs that nobody has, are told apart from faults."""
    with pytest.raises(NotFound, match="no user"):
        set_override(people.actor(), user_id, "api_calls", wanted())


def test_an_unknown_resource_is_named(resources, hanna):
    """An override of something that is not limited names it."""
    with pytest.raises(NotFound, match="'api_call'"):
        set_override(people.actor(), hanna.id, "api_call", wanted())


def test_every_change_is_audited_with_both_sides(resources, hanna):
    """Who, why, before and after: given, edited, removed, and nothing recorded twice by the table's trigger."""
    set_override(people.actor(), hanna.id, "api_calls", wanted(100))
    set_override(people.actor(), hanna.id, "api_calls", wanted(200, version=1, reason="more"))
    remove_override(people.actor(), hanna.id, "api_calls", version=2, reason="over")
    entries = Entry.objects.filter(target_id=f"{hanna.id}/api_calls").order_by("id")
    assert [entry.action for entry in entries] == ["override.set", "override.edit", "override.remove"]
    assert [(entry.before or {}).get("limit") for entry in entries] == [None, 100, 200]
    assert [entry.reason for entry in entries] == ["a launch", "more", "over"]
    assert {entry.actor for entry in entries} == {"oscar"}
    assert not Entry.objects.filter(source="trigger", target_type="override", after__user_id=hanna.id).exists()


def test_a_removal_is_taken_back(ops, hanna, allow):
    """Undo gives the same limit again."""
    given = allow(hanna, "api_calls", 7)
    remove_override(people.actor(), hanna.id, "api_calls", version=1)
    restore_override(people.actor(), given.pk)
    assert limit_of(ops, hanna) == (7, Source.OVERRIDE)


def test_a_user_is_found_whatever_the_case_of_the_id(resources, hanna):
    """An id that was typed in capitals is the same user, and is kept as the directory writes it."""
    assert set_override(people.actor(), hanna.id.upper(), "api_calls", wanted()).user_id == hanna.id
