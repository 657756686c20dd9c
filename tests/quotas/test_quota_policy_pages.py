"""A tier's limit on its page: what it would have done, on trial, enforced."""

import pytest
from django.utils import timezone

from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import Conflict, InvalidInput, NotAllowed
from quotas.models import Peak, Policy, Refusal
from quotas.settings_services import remove_policy, set_policy, try_policy
from tests import people
from tests.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(resources):
    return signed_in(Role.ADMIN)


@pytest.fixture
def tried(make_resource):
    """A resource whose tier gold has 100, with three users who used 10, 50 and 90 in this hour."""
    resource = make_resource(default_limit=5)
    set_policy(people.actor(Role.ADMIN), "gold", resource.name, 100)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for number, peak in enumerate((10, 50, 90)):
        Peak.objects.create(
            resource=resource.name, user_id=f"u{number}", hour=hour, tier="gold", source="tier", limit=100, peak=peak
        )
    return resource


def address(resource):
    return f"/quotas/tiers/gold/{resource.name}/"


def test_a_preview_says_who_would_have_been_refused(admin, tried):
    """The limit is tried on the peaks of the last day, in numbers and with who was highest; nothing is changed."""
    answer = admin.post(address(tried), {"limit": "40", "version": "1", "act": "preview"})
    effect = answer.context["effect"]
    assert (effect.users, effect.asked, effect.worst) == (2, 3, [("u2", "90 calls"), ("u1", "50 calls")])
    assert Policy.objects.get(tier="gold", resource=tried.name).limit == 100


def test_a_trial_lets_through_and_is_shown(admin, tried):
    """On trial the limit in force stays, and the matrix and the form say what is on trial."""
    assert admin.post(address(tried), {"limit": "40", "version": "1", "act": "trial"}).status_code == 303
    policy = Policy.objects.get(tier="gold", resource=tried.name)
    assert (policy.limit, policy.trial_limit) == (100, 40)
    assert "on trial: 40 calls" in admin.get("/quotas/tiers/").content.decode()
    assert admin.get(address(tried)).context["trial"].users == 2


def test_a_trial_records_whom_it_would_refuse(admin, ops, make_user, tried):
    """Whoever is over a limit on trial is let through and recorded as refused in shadow."""
    user = make_user(tier="gold")
    try_policy(people.actor(Role.ADMIN), "gold", tried.name, 1, version=1)
    answers = [ops.quotas.hit(tried.name, user.id, tier="gold").allowed for _ in range(3)]
    ops.quotas._tell()
    assert answers == [True, True, True]
    assert sum(Refusal.objects.filter(user_id=user.id, shadow=True).values_list("count", flat=True)) == 2


def test_a_trial_ends_or_is_enforced(admin, tried):
    """Ending it leaves the limit as it is; enforcing makes it the limit, and the trial is over."""
    admin.post(address(tried), {"limit": "40", "version": "1", "act": "trial"})
    admin.post(address(tried), {"limit": "40", "version": "2", "act": "end"})
    assert Policy.objects.get(tier="gold", resource=tried.name).trial_limit is None
    admin.post(address(tried), {"limit": "40", "version": "3", "act": "trial"})
    admin.post(address(tried), {"limit": "40", "version": "4", "act": "enforce"})
    policy = Policy.objects.get(tier="gold", resource=tried.name)
    assert (policy.limit, policy.trial_limit) == (40, None)


@pytest.mark.parametrize("limit", ["", "many", "-1"])
def test_what_cannot_be_tried_is_said(admin, tried, limit):
    """An empty or impossible limit is refused beside its field."""
    answer = admin.post(address(tried), {"limit": limit, "version": "1", "act": "trial"})
    assert (answer.status_code, "limit" in answer.context["form"].errors) == (422, True)


def test_a_tier_without_a_policy_keeps_its_default_on_trial(make_resource):
    """A trial for a tier that has the default leaves the default's limit in force."""
    resource = make_resource(default_limit=5)
    policy = try_policy(people.actor(Role.ADMIN), "silver", resource.name, 2)
    assert (policy.limit, policy.trial_limit) == (5, 2)


def test_trials_are_for_admins_and_know_their_version(tried):
    """An operator may not, an older version is a conflict, and a negative limit is none."""
    with pytest.raises(NotAllowed):
        try_policy(people.actor(Role.OPERATOR), "gold", tried.name, 2, version=1)
    with pytest.raises(Conflict):
        try_policy(people.actor(Role.ADMIN), "gold", tried.name, 2, version=7)
    with pytest.raises(InvalidInput, match="trial_limit"):
        try_policy(people.actor(Role.ADMIN), "gold", tried.name, -2, version=1)


def test_a_conflict_of_two_admins_names_who_was_faster(admin, tried):
    """The second admin sees who changed the tier's limit, and when; of a limit that is gone, who removed it."""
    set_policy(people.actor(Role.ADMIN, "ada"), "gold", tried.name, 200, version=1)
    page = admin.post(address(tried), {"limit": "40", "version": "1"})
    entry = Entry.objects.latest("id")
    assert page.status_code == 409
    assert "<strong>ada</strong>" in page.content.decode()
    assert f'datetime="{entry.at.isoformat()}"' in page.content.decode()
    remove_policy(people.actor(Role.ADMIN, "amy"), "gold", tried.name, version=2)
    page = admin.post(address(tried), {"limit": "40", "version": "2"})
    assert (page.status_code, "<strong>amy</strong>" in page.content.decode()) == (409, True)
