"""Rates as backends meet them: the database's ring through the client, with nothing but a backend's rights."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops_client.errors import InvalidInput, NotFound
from ops_client.quotas import ring
from ops_client.quotas.decide import Kind, LimitInForce, Source
from quotas.models import Resource
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
EPOCH = 1_795_435_200.0
HIT = "SELECT allowed, counts, newest, reset_seconds, retry_seconds FROM ops.quota_hit_at(%s, %s, 'free', %s, %s)"
LEASE = """
SELECT allowed, counts, newest, granted FROM ops.quota_hit_at(%s, %s, 'free', %s, %s, %s, %s, %s)
"""
arrivals = st.lists(st.tuples(st.floats(-20, 40) | st.sampled_from([0.0, 2.999, 3.0]), st.integers(1, 4)), max_size=40)


def test_the_limit_is_told_with_the_answer(ops, hanna):
    """A decision names the limit, what is left of it, and that the tier's policy decided."""
    decision = ops.quotas.hit("api_calls", hanna.id, tier="pro")
    assert (decision.allowed, decision.limit, decision.remaining) == (True, 600, 599)
    assert (decision.kind, decision.source, decision.policy) == (Kind.RATE, Source.TIER, "pro")
    assert decision.window_seconds == 60


def test_over_the_limit_is_refused_with_a_time_to_come_again(ops, hanna):
    """The 61st call of a minute on the default of 60 is refused, and says when it would pass."""
    assert all(ops.quotas.hit("api_calls", hanna.id).allowed for _ in range(60))
    decision = ops.quotas.hit("api_calls", hanna.id)
    assert not decision.allowed
    assert decision.source is Source.DEFAULT
    assert decision.retryable
    assert 0 < decision.retry_after_seconds <= 63


def test_threads_together_get_exactly_the_limit(ops, hanna, allow):
    """Eight threads on one key with a limit of 100 are let through 100 times, no more and no fewer."""
    allow(hanna, "api_calls", 100)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ops.quotas.hit("api_calls", hanna.id).allowed, range(240)))
    assert sum(answers) == 100


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 12), arrivals)
def test_the_database_counts_as_the_pure_ring_does(make_resource, limit, pauses):
    """On any sequence of calls, clocks that go back included, SQL and `ring.hit` answer and hold the same."""
    name, in_force = make_resource(default_limit=limit).name, LimitInForce(limit, Source.DEFAULT, "default")
    kept, now = ring.Ring(), EPOCH
    for pause, cost in pauses:
        now += pause
        turned, decision = ring.hit(kept, in_force, name, now, 60, cost)
        with connection.cursor() as cursor:
            cursor.execute(HIT, [name, "somebody", cost, now])
            *held, reset, retry = cursor.fetchone()
            assert held == [decision.allowed, list(turned.counts), turned.newest]
            assert (reset, retry) == (decision.reset_seconds, decision.retry_after_seconds)
        kept = turned if decision.allowed or kept == ring.Ring() else kept  # a later refusal writes nothing


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 40), st.integers(0, 300), st.integers(0, 30), st.integers(-1, 22)), max_size=25))
def test_the_database_leases_as_the_pure_ring_does(make_resource, happened):
    """On any sequence of calls with leases and permits that come back, SQL and the pure ring hold the same."""
    name, in_force = make_resource(default_limit=1_000).name, LimitInForce(1_000, Source.DEFAULT, "default")
    kept, now = ring.Ring(), EPOCH
    for pause, wanted, back, ago in happened:
        now += pause
        bucket = kept.newest - ago
        turned = ring.give_back(kept, bucket, back) if back and kept != ring.Ring() else kept
        turned, decision = ring.hit(turned, in_force, name, now, 60)
        turned, granted = ring.lease(turned, 1_000, wanted) if decision.allowed and wanted else (turned, 0)
        with connection.cursor() as cursor:
            cursor.execute(LEASE, [name, "somebody", 1, now, wanted, bucket, back])
            assert cursor.fetchone() == (decision.allowed, list(turned.counts), turned.newest, granted)
        kept = turned


def test_a_lease_ends_with_the_override_that_allowed_it(make_resource, hanna, allow):
    """Permits are granted until the bucket ends, or until the second at which the override does."""
    name = make_resource(default_limit=10).name
    soon = timezone.now() + timedelta(seconds=1)
    allow(hanna, name, 1_000, expires_at=soon)
    at = soon.timestamp() - 0.25
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT granted, lease_seconds FROM ops.quota_hit_at(%s, %s, NULL, 1, %s, 50)", [name, hanna.id, at]
        )
        granted, seconds = cursor.fetchone()
    assert granted == 50
    assert 0 < seconds <= 0.2501


def test_an_edit_ends_what_was_leased(ops, hanna, make_resource, allow):
    """A key that is hot answers from memory; a limit of 0 holds as soon as this process hears of it."""
    name = make_resource(default_limit=1_000_000).name
    assert all(ops.quotas.hit(name, hanna.id).allowed for _ in range(50))
    allow(hanna, name, 0)
    until(lambda: not ops.quotas.hit(name, hanna.id).allowed, 10, "the edit")


def test_the_largest_limit_holds(ops, hanna, allow):
    """2^53 is a limit like any other: reached by one call, and nothing passes after it."""
    allow(hanna, "api_calls", 2**53)
    assert ops.quotas.hit("api_calls", hanna.id, cost=2**53).remaining == 0
    assert not ops.quotas.hit("api_calls", hanna.id).allowed


def test_a_limit_of_one_lets_one_through(ops, hanna, allow):
    """The smallest limit that lets anything through lets exactly that through."""
    allow(hanna, "api_calls", 1)
    assert [ops.quotas.hit("api_calls", hanna.id).allowed for _ in range(3)] == [True, False, False]


def test_a_resource_says_what_a_call_costs(ops, hanna, make_resource):
    """Where the backend names no cost, the resource's counts; one that is named wins."""
    name = make_resource(default_limit=10, cost=4).name
    assert ops.quotas.hit(name, hanna.id).remaining == 6
    assert ops.quotas.hit(name, hanna.id, cost=1).remaining == 5


def test_nothing_is_leased_while_a_call_costs_nobody_knows_what(ops, hanna, make_resource, monkeypatch):
    """A process that does not know the resource yet asks the database for each call, which costs what it says."""
    name = make_resource(default_limit=200, cost=10).name
    until(lambda: name in ops.quotas._asking.resources, 10, "the configuration")
    monkeypatch.setattr(ops.quotas._asking, "resources", {})
    assert sum(ops.quotas.hit(name, hanna.id).allowed for _ in range(50)) == 20


def test_a_resource_says_when_its_users_are_warned(ops, hanna, make_resource):
    """Near and nearly begin at the resource's own shares, in a decision as in the usage."""
    name = make_resource(default_limit=10, warn_percent=50, nearly_percent=90).name
    until(lambda: name in ops.quotas._asking.resources, 10, "the configuration")
    seen = [ops.quotas.hit(name, hanna.id, cost=cost).warning for cost in (4, 1, 4, 1)]
    assert seen == ["", "near", "nearly", "full"]
    assert ops.quotas.peek(name, hanna.id).warning == "full"


def test_a_shorter_window_keeps_what_was_counted(make_resource, hanna):
    """After the window was edited, calls of the old one count as of now: an edit is no way round the limit."""
    name = make_resource(default_limit=60).name
    with connection.cursor() as cursor:
        cursor.execute(HIT, [name, hanna.id, 60, EPOCH])
        Resource.objects.filter(pk=name).update(window_seconds=10)
        cursor.execute(HIT, [name, hanna.id, 1, EPOCH + 1])
        assert cursor.fetchone()[0] is False
        cursor.execute(HIT, [name, hanna.id, 1, EPOCH + 12])
        assert cursor.fetchone()[0] is True


def test_no_limit_counts_and_lets_everything_through(ops, hanna):
    """A tier without a limit passes with any cost, and is shown as unlimited by its tier."""
    for _ in range(3):
        decision = ops.quotas.hit("api_calls", hanna.id, tier="unlimited", cost=2**53)
    assert (decision.allowed, decision.limit, decision.remaining) == (True, None, None)


def test_a_limit_of_nothing_refuses_the_first_call(ops, hanna, allow):
    """0 lets nothing through, and says that waiting does not help."""
    allow(hanna, "api_calls", 0)
    decision = ops.quotas.hit("api_calls", hanna.id, tier="pro")
    assert (decision.allowed, decision.retryable, decision.limit) == (False, False, 0)


def test_shadow_refuses_nobody(ops, hanna, make_resource):
    """In shadow mode a call over the limit passes."""
    assert ops.quotas.hit(make_resource(default_limit=0, shadow=True).name, hanna.id).allowed


def test_an_unknown_resource_is_an_error_that_names_it(ops, hanna):
    """A name that is not defined is never silently without a limit."""
    with pytest.raises(NotFound, match="'api_call'"):
        ops.quotas.hit("api_call", hanna.id)


def test_the_wrong_kind_is_an_error_that_names_both(ops, hanna):
    """Calls cannot be counted against storage."""
    with pytest.raises(InvalidInput, match="storage_bytes is of kind storage, not rate"):
        ops.quotas.hit("storage_bytes", hanna.id)


@pytest.mark.parametrize("cost", [0, -1, 2**53 + 1, 1.5, True, "2"])
def test_an_impossible_cost_is_an_error(ops, hanna, cost):
    """A cost is a whole number from 1 to 2^53."""
    with pytest.raises(InvalidInput, match="cost"):
        ops.quotas.hit("api_calls", hanna.id, cost=cost)


@pytest.mark.parametrize(("resource", "tier"), [(None, "pro"), (7, "pro"), ("api_calls", 7), ("api\0calls", "pro")])
def test_a_name_that_is_no_text_is_an_error(ops, hanna, resource, tier):
    """What cannot name a resource or a tier is an error that says which."""
    with pytest.raises(InvalidInput, match="tier" if tier == 7 else "resource"):
        ops.quotas.hit(resource, hanna.id, tier=tier)


@pytest.mark.parametrize("user_id", ["", None, "x" * 201, "a\0b"])
def test_an_impossible_user_is_an_error(ops, user_id):
    """What cannot name a user is an error of its own, not one of the database."""
    with pytest.raises(InvalidInput, match="user_id"):
        ops.quotas.hit("api_calls", user_id)


def test_an_unknown_tier_has_the_default(ops, hanna):
    """A tier that nobody wrote a policy for is limited by the resource's default."""
    decision = ops.quotas.hit("api_calls", hanna.id, tier="tier nobody knows")
    assert (decision.limit, decision.source) == (60, Source.DEFAULT)


def test_calls_raise_no_revision(ops, hanna):
    """Counting is an event: no snapshot of any process is read anew for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM ops_v1.revision")
        before = cursor.fetchone()
        ops.quotas.hit("api_calls", hanna.id)
        cursor.execute("SELECT revision FROM ops_v1.revision")
        assert cursor.fetchone() == before


def test_rings_are_not_logged(resources):
    """The rings cost no write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE oid = 'ops.quotas_ring'::regclass")
        assert cursor.fetchone() == ("u",)
