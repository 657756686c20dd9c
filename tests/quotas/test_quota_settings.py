"""Tiers and resources as admins edit them."""

from dataclasses import replace

import pytest
from django.db import connection

from ops_client.quotas.decide import Source
from ops_console.access.actor import SYSTEM
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.directory import people as directory_people
from ops_console.directory import tiers
from ops_console.directory.mapping import current
from ops_console.errors import Conflict, InvalidInput, NotAllowed
from quotas.limits import read_limit, show_limit
from quotas.models import Policy, Resource
from quotas.queries import matrix
from quotas.seed import seed
from quotas.settings_services import create_resource, edit_resource, remove_policy, set_policy
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)


def admin():
    return people.actor(Role.ADMIN)


def test_a_policy_holds_on_the_next_call(ops, make_user, make_resource):
    """The next call of a tier's user goes by the tier's new limit, and by the default when it is taken away."""
    user, name = make_user(tier="gold"), make_resource(default_limit=5).name
    set_policy(admin(), "gold", name, 9)
    decision = ops.quotas.hit(name, user.id, tier="gold")
    assert (decision.limit, decision.source, decision.policy) == (9, Source.TIER, "gold")
    remove_policy(admin(), "gold", name, version=1)
    assert ops.quotas.hit(name, user.id, tier="gold").limit == 5


def test_an_operator_edits_no_tier(resources):
    """Tiers and resources are an admin's."""
    with pytest.raises(NotAllowed):
        set_policy(people.actor(Role.OPERATOR), "pro", "api_calls", 1, version=1)
    with pytest.raises(NotAllowed):
        edit_resource(people.actor(Role.OPERATOR), "api_calls", {"shadow": True}, version=1)


def test_the_second_of_two_admins_sees_both_versions(make_resource):
    """Two who edit one policy, or one resource, at once: the second is told."""
    resource = make_resource(default_limit=5)
    set_policy(admin(), "gold", resource.name, 9)
    with pytest.raises(Conflict) as conflict:
        set_policy(admin(), "gold", resource.name, 10)
    assert (conflict.value.current["limit"], conflict.value.submitted["limit"]) == (9, 10)
    edit_resource(admin(), resource.name, {"title": "First"}, version=1)
    with pytest.raises(Conflict) as conflict:
        edit_resource(admin(), resource.name, {"title": "Second"}, version=1)
    assert (conflict.value.current["title"], conflict.value.submitted["title"]) == ("First", "Second")


def test_what_has_no_limit_keeps_its_resource_unlimited(make_resource):
    """The leave to have no limit cannot be withdrawn while a tier makes use of it."""
    resource = make_resource(allow_unlimited=True)
    set_policy(admin(), "gold", resource.name, None)
    with pytest.raises(InvalidInput, match="tiers gold"):
        edit_resource(admin(), resource.name, {"allow_unlimited": False}, version=1)


@pytest.mark.parametrize(
    ("field", "kind", "values"),
    [
        ("window_seconds", "rate", {"window_seconds": None}),
        ("window_seconds", "rate", {"window_seconds": 0}),
        ("period", "allowance", {"period": "fortnight"}),
        ("timezone", "allowance", {"period": "month", "timezone": "Prague"}),
        ("failure_policy", "storage", {"failure_policy": "local"}),
        ("ttl_seconds", "concurrency", {"ttl_seconds": 1}),
        ("default_limit", "storage", {"default_limit": -1}),
        ("default_limit", "concurrency", {"default_limit": 1_001}),
        ("kind", "speed", {}),
    ],
)
def test_an_impossible_resource_is_refused_by_field(resources, field, kind, values):
    """What a resource cannot be is refused with the field's name."""
    with pytest.raises(InvalidInput, match=field) as refusal:
        create_resource(SYSTEM, "odd", kind, {"title": "Odd", "unit": "x", **values})
    assert refusal.value.field == field


def test_settings_are_audited(make_resource):
    """A policy and a resource leave entries with what was and what is."""
    name = make_resource(default_limit=5).name
    set_policy(admin(), "gold", name, 9)
    edit_resource(admin(), name, {"shadow": True}, version=1)
    assert Entry.objects.get(target_id=f"gold/{name}").after == {"limit": 9, "trial_limit": None}
    assert Entry.objects.get(target_id=name, action="resource.edit").after["shadow"] is True


def test_seeding_again_changes_nothing(resources):
    """What an admin made of the seeded limits stays."""
    before = list(Policy.objects.values_list("tier", "resource", "limit", "version"))
    seed()
    assert list(Policy.objects.values_list("tier", "resource", "limit", "version")) == before


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("50 GB", 50 * 10**9), ("1.5MB", 1_500_000), ("2 GiB", 2 * 1024**3), ("1 000", 1000), (" 0 ", 0), ("7 B", 7)],
)
def test_sizes_can_be_typed(text, bytes_):
    """Bytes may be typed as people say them."""
    assert read_limit(Resource(name="storage", unit="bytes", kind="storage"), text) == bytes_


@pytest.mark.parametrize("limit", [0, 7, 1_500, 50 * 10**9, 2**53, None])
def test_a_shown_limit_reads_as_itself(limit):
    """What the form shows can be saved again and means the same."""
    resource = Resource(name="storage", unit="bytes", kind="storage", allow_unlimited=True)
    assert read_limit(resource, show_limit(resource, limit)) == limit


@pytest.mark.parametrize(
    "text", ["-1", "50 XB", "GB", "1e9", "unlimited", "9" * 5000, "NaN", "1,000", "1,5 GB", "'; --"]
)
def test_what_is_no_limit_is_refused(text):
    """Anything else is refused by name; `unlimited` where there always is a limit, too."""
    with pytest.raises(InvalidInput, match="limit"):
        read_limit(Resource(name="storage", unit="bytes", kind="storage"), text)


def test_tiers_start_from_the_directory(make_user, make_resource):
    """Tiers with a policy come first, then those that users have; a tier that nobody has is marked."""
    make_user(tier="only in the directory")
    set_policy(admin(), "nobody has it", make_resource(default_limit=5).name, 9)
    found = {row.tier: row for row in matrix().rows}
    assert found["only in the directory"].in_directory
    assert not found["nobody has it"].in_directory
    assert list(found).index("nobody has it") < list(found).index("only in the directory")
    page = people.signed_in(Role.ADMIN).get("/quotas/tiers/").content.decode()
    assert ("only in the directory" in page, page.count("not in the directory") >= 1) == (True, True)


def test_tiers_of_a_large_directory_come_from_statistics(make_user, monkeypatch):
    """Beyond the first rows, the tiers that the database's statistics call common."""
    for tier in ("one", "two", "three"):
        make_user(tier=tier)
        make_user(tier=tier)
    monkeypatch.setattr(directory_people, "_TIERS_FROM_ROWS", 0)
    with connection.cursor() as cursor:
        cursor.execute('ANALYZE public."user"')
    assert {"one", "two", "three"} <= set(tiers())


def test_tiers_are_listed_without_the_directory(resources, monkeypatch):
    """With the directory unreadable, those with a policy are there, and the page says why no others are."""
    monkeypatch.setattr(directory_people, "current", lambda: replace(current(), tier="gone"))
    found = matrix()
    assert "pro" in {row.tier for row in found.rows}
    assert "cannot be read" in found.problem
    assert "Only tiers with a policy are listed" in people.signed_in(Role.VIEWER).get("/quotas/tiers/").content.decode()
