"""Which limit decides: the database and the pure rule agree, and the console shows what a backend gets."""

from datetime import timedelta
from itertools import product

import pytest
from django.db import connection
from django.utils import timezone

from ops_client.quotas.decide import LimitInForce, limit_in_force
from ops_client.quotas.decide import Policy as Given
from quotas import queries
from quotas.models import Override, Policy, Resource
from quotas.services import person_of

pytestmark = pytest.mark.django_db(transaction=True)
IN_FORCE = "SELECT limit_value, source FROM ops.quota_in_force(%s, %s, 'gold', %s)"
CASES = list(product((None, "lasting", "for good", "over"), (None, 7), (None, 3), (True, False)))


@pytest.mark.parametrize(("override", "tier", "default", "unlimited"), CASES)
def test_the_database_decides_as_the_pure_rule_does(make_resource, hanna, override, tier, default, unlimited):
    """Override while it lasts, else tier, else default, else unlimited where that is allowed, else nothing."""
    name, now = make_resource(default_limit=default, allow_unlimited=unlimited).name, timezone.now()
    ends = {"lasting": now + timedelta(microseconds=1), "over": now, "for good": None}.get(override)
    if override:
        Override.objects.create(resource_id=name, user_id=hanna.id, limit=9, expires_at=ends, reason="x")
    if tier:
        Policy.objects.create(resource_id=name, tier="gold", limit=tier)
    wanted = limit_in_force(
        now,
        override=Given("override", 9, ends) if override else None,
        tier=Given("gold", tier) if tier else None,
        default=Given("default", default) if default else None,
        unlimited=unlimited,
    )
    with connection.cursor() as cursor:
        cursor.execute(IN_FORCE, [name, hanna.id, now])
        assert cursor.fetchone() == (wanted.limit, wanted.source.value)


def test_the_console_shows_what_the_backend_gets(ops, hanna, allow):
    """The user's page and the backend's own bars say the same of every resource."""
    allow(hanna, "api_calls", 7)
    ops.quotas.hit("api_calls", hanna.id, tier="pro")
    ops.quotas.reserve("storage_bytes", hanna.id, 10, tier="pro")
    (shown,) = queries.limited([person_of(hanna.id)])
    told = {usage.resource: usage for usage in ops.quotas.usage(hanna.id, tier="pro")}
    for limit in shown.limits:
        usage = told[limit.resource.name]
        assert (limit.usage.limit, limit.usage.used, limit.usage.policy) == (usage.limit, usage.used, usage.policy)
    assert Resource.objects.count() == len(told) == len(shown.limits)


def test_nothing_set_lets_nothing_through(ops, hanna, make_resource):
    """A resource that has no limit and may not be without one is closed until somebody sets one."""
    decision = ops.quotas.hit(make_resource().name, hanna.id)
    assert (decision.allowed, decision.limit, decision.policy) == (False, 0, "nothing set")


def test_the_pure_rule_names_the_same() -> None:
    """The names of both sides are one: they are shown to people."""
    assert limit_in_force(timezone.now()) == LimitInForce(0, "default", "nothing set")  # type: ignore[arg-type]
