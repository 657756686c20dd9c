"""Refusals: kept with the call they were met in, few however often, and out of a backend's sight."""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from ops_client.quotas.call import Call, current_call
from ops_client.quotas.decide import Decision, Kind, Source
from ops_client.quotas.use import valid_use
from quotas.models import Failure, Refusal

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_loop_of_refusals_is_one_row(ops, hanna, allow):
    """Why somebody was limited is kept with route, key, client, request and deciding limit; a loop makes one row."""
    allow(hanna, "api_calls", 0)
    for number in range(50):
        token = current_call.set(Call("GET /api/episodes", hanna.id, "192.0.2.9", f"r-{number}"))
        ops.quotas.hit("api_calls", hanna.id, tier="pro")
        current_call.reset(token)
    ops.quotas._tell()
    (row,) = Refusal.objects.filter(user_id=hanna.id)
    assert (row.count, row.route, row.client, row.request_id) == (50, "GET /api/episodes", "192.0.2.9", "r-49")
    assert (row.limit, row.source, row.policy, row.service, row.shadow) == (0, "override", "override", "tests", False)


def test_shadow_keeps_who_would_have_been_refused(ops, hanna, make_resource):
    """Before a limit is enforced, the console shows whom it would hit."""
    ops.quotas.hit(make_resource(default_limit=0, shadow=True).name, hanna.id)
    ops.quotas._tell()
    assert Refusal.objects.get(user_id=hanna.id).shadow


def test_nobody_adds_up_more_than_so_many_rows(ops, make_resource):
    """A thousand users who are refused at once leave a bounded number of rows."""
    name = make_resource(default_limit=0).name
    for number in range(600):
        ops.quotas._asking.refusals.note(*refusal_of(name, number))
    ops.quotas._tell()
    assert Refusal.objects.filter(resource=name).count() == 500


def refusal_of(name, number):
    use = valid_use(Kind.RATE, name, f"user {number}", None)
    return use, Decision(False, name, Kind.RATE, 0, 0, Source.DEFAULT, "default"), False


def test_texts_from_outside_are_cut(ops, hanna, allow):
    """A route, an address or a request id that is too long, or not text for the database, loses no refusal."""
    allow(hanna, "api_calls", 0)
    token = current_call.set(Call("GET /" + "x" * 900, "k" * 900, "a\0b", "r" * 900))
    ops.quotas.hit("api_calls", hanna.id)
    current_call.reset(token)
    ops.quotas._tell()
    assert Refusal.objects.get(user_id=hanna.id).client == "a\ufffdb"


def test_decisions_without_the_database_add_up_by_the_hour(ops, hanna):
    """Each process adds its count to one row an hour."""
    for _ in range(2):
        ops.quotas._asking.without_store._counts["api_calls", "local"] = 3
        ops.quotas._tell()
    assert Failure.objects.get(resource="api_calls").count == 6


def test_a_backend_sees_no_table_of_quotas(backend_dsn):
    """A backend calls the functions and can neither read who was refused nor give itself a limit."""
    with psycopg.connect(backend_dsn, autocommit=True) as backend:
        for statement in (
            "SELECT * FROM ops.quotas_refusal",
            "SELECT * FROM ops.quotas_override",
            "UPDATE ops_v1.quota_resource SET default_limit = 1",
            "SELECT ops.quota_hit_at('api_calls', 'u', NULL, 1, 0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                backend.execute(statement)


def test_like_refusals_of_ten_minutes_are_one_row(ops, hanna, allow):
    """Told again and again, a loop stays one row with its first and last time; after ten minutes a new one begins."""
    allow(hanna, "api_calls", 0)
    for _ in range(3):
        ops.quotas.hit("api_calls", hanna.id)
        ops.quotas._tell()
    row = Refusal.objects.get(user_id=hanna.id)
    assert (row.count, row.first_at < row.at) == (3, True)
    Refusal.objects.filter(pk=row.pk).update(first_at=timezone.now() - timedelta(minutes=11))
    ops.quotas.hit("api_calls", hanna.id)
    ops.quotas._tell()
    assert Refusal.objects.filter(user_id=hanna.id).count() == 2


def test_one_user_keeps_so_many_rows(ops, hanna, allow):
    """However many routes a refused user calls, the newest 200 rows are kept, without waiting for the night."""
    allow(hanna, "api_calls", 0)
    for number in range(205):
        token = current_call.set(Call(f"GET /{number}"))
        ops.quotas.hit("api_calls", hanna.id)
        current_call.reset(token)
    ops.quotas._tell()
    kept = Refusal.objects.filter(user_id=hanna.id)
    assert (kept.count(), kept.filter(route="GET /0").exists(), kept.filter(route="GET /204").exists()) == (
        200,
        False,
        True,
    )


def test_all_together_keep_so_many_rows(ops, hanna, allow):
    """A refusal that comes 200,000 rows later takes the old one's place."""
    allow(hanna, "api_calls", 0)
    ops.quotas.hit("api_calls", hanna.id)
    ops.quotas._tell()
    old = Refusal.objects.get(user_id=hanna.id).pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('ops.quotas_refusal', 'id'), %s)", [old + 200_000])
    ops.quotas.hit("api_calls", "somebody else", cost=2**53)
    ops.quotas._tell()
    assert not Refusal.objects.filter(pk=old).exists()
