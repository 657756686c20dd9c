"""Hourly peaks: what users have used at most, and what another limit would have done to them; limits on trial."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ops_client.quotas.decide import Kind, LimitInForce, Source
from ops_client.quotas.guard import QuotaExceeded
from ops_client.quotas.use import valid_use
from quotas.models import Peak, Policy, Refusal
from quotas.peaks import history, replay

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_peak_of_an_hour_holds_what_was_refused_too(ops, make_user, make_resource):
    """Users' highest use is kept by the hour with tier and limit; a refused attempt counts as what it wanted."""
    name, calm, eager = make_resource(default_limit=5).name, make_user(), make_user()
    for _ in range(2):
        ops.quotas.hit(name, calm.id, tier="pro")
    for _ in range(6):
        ops.quotas.hit(name, eager.id, tier="free")
    ops.quotas._tell_peaks()
    ops.quotas.hit(name, calm.id, tier="pro", cost=2)
    ops.quotas._tell_peaks()
    peaks = {row.user_id: (row.peak, row.tier, row.limit, row.source) for row in Peak.objects.filter(resource=name)}
    assert peaks == {calm.id: (4, "pro", 5, "default"), eager.id: (6, "free", 5, "default")}
    assert [(peak, limit) for _, peak, limit in history(eager.id, name)] == [(6, 5)]


def test_levels_have_peaks_as_well(ops, hanna, make_resource):
    """What is stored, held or used up is kept like calls, refusals included."""
    name = make_resource("storage", default_limit=100).name
    ops.quotas.reserve(name, hanna.id, 60).commit()
    with pytest.raises(QuotaExceeded):
        ops.quotas.reserve(name, hanna.id, 50)
    ops.quotas._tell_peaks()
    assert Peak.objects.get(resource=name).peak == 110


def test_a_new_limit_is_tried_on_what_was(ops, make_user, make_resource, allow):
    """How many of a tier would have been refused, without those whom an override keeps from it, in the hours asked."""
    name = make_resource(default_limit=100).name
    users = [make_user() for _ in range(4)]
    allow(users[3], name, 500)
    for user, calls in zip(users, (10, 50, 90, 90), strict=True):
        ops.quotas.hit(name, user.id, tier="pro", cost=calls)
    ops.quotas.hit(name, make_user().id, tier="free", cost=90)
    ops.quotas._tell_peaks()
    tried = replay(name, 49, "pro")
    assert (tried.users, tried.asked, tried.worst) == (2, 3, [(users[2].id, 90), (users[1].id, 50)])
    assert replay(name, 90).users == 0
    assert replay(name, None).users == 0
    Peak.objects.filter(resource=name).update(hour=timezone.now() - timedelta(hours=25))
    assert replay(name, 49, "pro").asked == 0


def test_peaks_in_memory_are_bounded(ops, make_resource):
    """However many users there are between two tellings, so many rows are written."""
    name = make_resource(default_limit=5).name
    for number in range(6_000):
        use = valid_use(Kind.RATE, name, f"user {number}", None)
        ops.quotas._asking.peaks.note(use, 1, LimitInForce(5, Source.DEFAULT, "default"))
    ops.quotas._tell_peaks()
    assert Peak.objects.filter(resource=name).count() == 5_000


def test_a_limit_on_trial_refuses_nobody_and_tells_whom_it_would(ops, hanna, make_resource):
    """Beside the limit in force a tighter one is tried: calls over it pass, and are kept as refused in shadow."""
    resource = make_resource(default_limit=100)
    Policy.objects.create(resource=resource, tier="pro", limit=10, trial_limit=2)
    decisions = [ops.quotas.hit(resource.name, hanna.id, tier="pro") for _ in range(3)]
    assert [(each.allowed, each.limit) for each in decisions] == [(True, 10)] * 3
    ops.quotas._tell()
    row = Refusal.objects.get(user_id=hanna.id)
    assert (row.shadow, row.limit, row.policy, row.count) == (True, 2, "pro on trial", 1)
