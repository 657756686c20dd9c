"""What was used before, who is near a limit, and storage against what was measured: on the pages."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ops_console.access.roles import Role
from quotas.models import Drift, Level, Peak, Recount, Refusal
from quotas.queries import near_or_over
from quotas.words import is_tight_loop
from tests.people import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(resources):
    return signed_in(Role.OPERATOR)


def peak(user, used, hours_ago=0, resource="api_calls", limit=600, source="tier"):
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    Peak.objects.create(
        resource=resource, user_id=user.id, hour=hour, tier="pro", source=source, limit=limit, peak=used
    )


def page_of(browser, user):
    return browser.get(f"/quotas/users/{user.id}/")


def test_a_users_last_days_are_drawn_and_told(operator, hanna):
    """Each resource that was used has its highest hour, a line from the first use on with gaps, and a table."""
    peak(hanna, 40, hours_ago=30)
    peak(hanna, 90, hours_ago=2)
    (seen,) = page_of(operator, hanna).context["history"]
    assert (seen.resource.name, seen.highest_words) == ("api_calls", "90")
    assert [point for point in seen.points if point is not None] == [40, 90]
    assert (seen.points[0], len(seen.points)) == (40, 8)
    assert [(used, limit) for _, used, limit in seen.rows] == [("90", "600 calls"), ("40", "600 calls")]


def test_who_is_near_a_limit_is_listed(operator, hanna, make_user):
    """From 80 % on, each user and resource once, those furthest over first; who is calm is not there."""
    over, calm = make_user(), make_user()
    peak(hanna, 500)
    peak(hanna, 480, hours_ago=1)
    peak(over, 900)
    peak(calm, 10)
    near = [each for each in near_or_over() if each.peak.user_id in {hanna.id, over.id, calm.id}]
    assert [(each.person.id, each.bar_words) for each in near] == [
        (over.id, "900 of 600 calls"),
        (hanna.id, "500 of 600 calls"),
    ]
    assert over.email.replace("@", "@<wbr>") in operator.get("/quotas/").content.decode()


def test_a_limit_of_nothing_is_no_share(resources, hanna):
    """A limit of 0 or none divides nothing: such users are refused or free, and not near."""
    peak(hanna, 5, limit=0)
    peak(hanna, 5, limit=None, resource="storage_bytes")
    assert not [each for each in near_or_over() if each.peak.user_id == hanna.id]


@pytest.mark.parametrize(("count", "seconds", "loops"), [(10, 9, True), (50, 50, True), (10, 11, False), (9, 1, False)])
def test_a_tight_loop_is_told_apart(operator, hanna, count, seconds, loops):
    """Asking about once a second or faster, ten times or more, is a client that does not wait."""
    now = timezone.now()
    row = Refusal(user_id=hanna.id, resource="api_calls", source="tier", policy="pro", count=count, limit=600)
    row.at, row.first_at = now, now - timedelta(seconds=seconds)
    row.save()
    assert is_tight_loop(row) is loops
    assert ("Tight loop" in page_of(operator, hanna).content.decode()) is loops


def test_a_refusal_speaks_in_the_resources_unit(operator, hanna):
    """Hours that are kept are hours in the deciding limit and in the sentence to send, and the key is told."""
    values = {"source": "default", "policy": "default", "limit": 3600, "key": "key-of-hanna", "request_id": "req-7"}
    Refusal.objects.create(user_id=hanna.id, resource="audio_kept", **values)
    page = page_of(operator, hanna).content.decode()
    assert "your limit is 1 h (default)" in page
    assert all(shown in page for shown in ("key-of-hanna", "req-7"))
    assert "3,600" not in page


def test_storage_is_measured_on_request_and_corrected(operator, hanna):
    """One click asks for a measuring, which is shown while it waits; what differs is taken over by another."""
    address = f"/quotas/users/{hanna.id}/storage_bytes"
    operator.post(f"{address}/recount/")
    assert Recount.objects.filter(user_id=hanna.id, finished_at=None).count() == 1
    assert "Being measured" in page_of(operator, hanna).content.decode()
    Recount.objects.filter(user_id=hanna.id).update(finished_at=timezone.now())
    Level.objects.create(resource="storage_bytes", user_id=hanna.id, used=5_000_000)
    Drift.objects.create(resource="storage_bytes", user_id=hanna.id, used=5_000_000, measured=2_000_000)
    assert "5 MB kept, 2 MB measured" in page_of(operator, hanna).content.decode()
    assert "5 MB kept, 2 MB measured" in operator.get("/quotas/storage/").content.decode()
    operator.post(f"{address}/correct/")
    assert Level.objects.get(user_id=hanna.id).used == 2_000_000
    assert "kept, " not in page_of(operator, hanna).content.decode()


def test_everybody_is_measured_by_an_admin(operator):
    """The whole directory's storage is measured on an admin's word alone."""
    assert operator.post("/quotas/storage/storage_bytes/recount/").status_code == 403
    signed_in(Role.ADMIN).post("/quotas/storage/storage_bytes/recount/")
    assert Recount.objects.filter(resource="storage_bytes", user_id="", finished_at=None).exists()
    assert "Being measured" in operator.get("/quotas/storage/").content.decode()


def test_the_pages_queries_do_not_grow_with_their_rows(operator, make_user):
    """The list and a user's page ask a constant number of queries, however much there is to show."""

    def counted(path):
        with CaptureQueriesContext(connection) as queries:
            operator.get(path)
        return len(queries)

    few = make_user()
    peak(few, 590)
    Drift.objects.create(resource="storage_bytes", user_id=few.id, used=1, measured=2)
    counted("/quotas/")  # the first request of a process asks once for what it then remembers
    before = (counted("/quotas/"), counted(f"/quotas/users/{few.id}/"), counted("/quotas/storage/"))
    for hours in range(1, 6):
        peak(few, 100, hours_ago=hours)
    for user in [make_user() for _ in range(6)]:
        peak(user, 590)
        Drift.objects.create(resource="storage_bytes", user_id=user.id, used=1, measured=2)
    assert (counted("/quotas/"), counted(f"/quotas/users/{few.id}/"), counted("/quotas/storage/")) == before
