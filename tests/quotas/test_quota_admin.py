"""Django's admin goes the services' way: their checks, the same audit."""

import pytest

from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from quotas.models import Override, Policy
from quotas.settings_services import set_policy
from tests import people
from tests.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(resources):
    return signed_in(Role.ADMIN)


def test_a_policy_saved_there_is_audited(admin):
    """One entry, through the admin, with the new limit, and none by the table's trigger."""
    form = {"resource": "api_calls", "tier": "silver", "limit": "70", "version": "1"}
    assert admin.post("/admin/quotas/policy/add/", form).status_code == 302
    policy = Policy.objects.get(tier="silver")
    (entry,) = Entry.objects.filter(target_type="policy", target_id="silver/api_calls")
    assert policy.limit == 70
    assert (entry.via, entry.after["limit"], entry.source) == ("admin", 70, "service")


def test_an_impossible_limit_is_refused_there_too(admin):
    """The form says what the service would."""
    form = {"resource": "api_calls", "tier": "bronze", "limit": "-1", "version": "1"}
    assert "limit" in admin.post("/admin/quotas/policy/add/", form).context["adminform"].form.errors


def test_an_override_for_nobody_is_refused_there_too(admin):
    """An id that the directory does not know is an error of the field, not a fault."""
    form = {"resource": "api_calls", "user_id": "nobody", "limit": "5", "reason": "x", "version": "1"}
    answer = admin.post("/admin/quotas/override/add/", form)
    assert "user_id" in answer.context["adminform"].form.errors
    assert not Override.objects.filter(user_id="nobody").exists()


def test_a_conflict_there_names_who_was_faster(admin, resources):
    """What a service changed meanwhile stands in the admin's conflict page: one name for one thing in the audit."""
    alice = people.actor(Role.ADMIN, "alice")
    policy = set_policy(alice, "copper", "api_calls", 70)
    set_policy(people.actor(Role.ADMIN, "ada"), "copper", "api_calls", 80, version=1)
    form = {"resource": "api_calls", "tier": "copper", "limit": "90", "version": "1"}
    answer = admin.post(f"/admin/quotas/policy/{policy.pk}/change/", form)
    assert answer.status_code == 409
    assert "<strong>ada</strong>" in answer.content.decode()
    history = admin.get(f"/admin/quotas/policy/{policy.pk}/history/")
    assert "target_id=copper%2Fapi_calls" in history.headers["Location"]
