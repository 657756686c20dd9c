"""Quotas through the JSON API: the same services as the pages, with versions and problems."""

import pytest
from django.utils import timezone

from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from quotas.models import Peak, Refusal, Resource
from tests.api.calling import calling

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = {"limit": 7, "expires_at": None, "reason": "a launch"}


@pytest.fixture
def api(resources):
    return calling(Role.OPERATOR)


def override(user, resource="api_calls"):
    return f"/api/v1/quotas/users/{user.id}/overrides/{resource}"


def put(api, path, body, version='"0"'):
    return api.put(path, body, content_type="application/json", headers={"If-Match": version} if version else {})


def post(api, path, body):
    return api.post(f"/api/v1/quotas/{path}", body, content_type="application/json")


def limit_of(api, user, resource="api_calls"):
    found = api.get(f"/api/v1/quotas/users/{user.id}").json()
    return next(each for each in found["limits"] if each["resource"] == resource)


def test_a_user_is_found_with_limits_and_their_sources(api, hanna):
    """By mail or id: every resource with the limit in force, what decided it, and what is used."""
    (found,) = api.get("/api/v1/quotas/users", {"q": hanna.email}).json()
    assert (found["id"], found["tier"]) == (hanna.id, "pro")
    limit = limit_of(api, hanna)
    assert (limit["limit"], limit["source"], limit["policy"], limit["override"]) == (600, "tier", "pro", None)


def test_an_override_is_set_changed_and_removed(api, hanna):
    """Each change names the version that it was made from, and answers the next one as its ETag."""
    first = put(api, override(hanna), GIVEN)
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    second = put(api, override(hanna), {**GIVEN, "limit": 8}, first.headers["ETag"])
    assert limit_of(api, hanna)["limit"] == 8
    headers = {"If-Match": second.headers["ETag"]}
    assert api.delete(override(hanna), "{}", content_type="application/json", headers=headers).status_code == 200
    assert limit_of(api, hanna)["source"] == "tier"


def test_an_older_version_is_told_both(api, hanna):
    """Somebody faster: 412 with what stands and what was sent; no version at all: 428; a star: whatever stands."""
    put(api, override(hanna), GIVEN)
    late = put(api, override(hanna), {**GIVEN, "limit": 9})
    assert (late.status_code, late.json()["current"]["limit"], late.json()["submitted"]["limit"]) == (412, 7, 9)
    assert put(api, override(hanna), GIVEN, version="").status_code == 428
    assert put(api, override(hanna), {**GIVEN, "limit": 9}, version="*").status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"limit": -1}, "limit"),
        ({"limit": 2**53 + 1}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"reason": ""}, "reason"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_input_names_its_field(api, hanna, change, field):
    """What cannot be is refused with 422, the field, and nothing changed."""
    answer = put(api, override(hanna), {**GIVEN, **change})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert limit_of(api, hanna)["override"] is None


def test_what_is_not_there_is_404(api, hanna):
    """An unknown user and an unknown resource are named."""
    assert "nobody" in api.get("/api/v1/quotas/users/nobody").json()["detail"]
    answer = put(api, override(hanna, "tea"), GIVEN)
    assert (answer.status_code, "tea" in answer.json()["detail"]) == (404, True)


def test_a_name_with_a_slash_is_reached(resources):
    """A tier or an id may hold a slash: the address still leads to it."""
    admin = calling(Role.ADMIN)
    assert put(admin, "/api/v1/quotas/policies/eu/gold/api_calls", {"limit": 9}).json()["tier"] == "eu/gold"
    assert "'eu/anna'" in admin.get("/api/v1/quotas/users/eu/anna").json()["detail"]


def test_many_at_once_with_a_dry_run_first(api, hanna, make_user):
    """A dry run says what would come of each row and changes nothing; without it each row is done."""
    other = make_user()
    rows = [{"user": hanna.email, "resource": "api_calls", "limit": "+50%"}]
    rows.append({"user": "nobody", "resource": "api_calls", "limit": "1"})
    rows.append({"user": other.id, "resource": "api_calls", "limit": "5"})
    body = {"rows": rows, "reason": "a busy weekend", "dry_run": True}
    tried = post(api, "overrides/import", body).json()
    assert [row["outcome"] for row in tried["rows"]] == ["new", "refused", "new"]
    assert limit_of(api, hanna)["override"] is None
    done = post(api, "overrides/import", {**body, "dry_run": False}).json()
    assert done["counts"] == tried["counts"]
    assert (limit_of(api, hanna)["limit"], limit_of(api, other)["limit"]) == (900, 5)
    listed = api.get("/api/v1/quotas/overrides").json()["items"]
    assert {hanna.id, other.id} <= {each["user_id"] for each in listed}


def test_a_window_begins_anew(api, ops, hanna):
    """A reset answers what was forgotten, and the audit knows through which door and token."""
    ops.quotas.hit("api_calls", hanna.id, tier="pro", cost=4)
    answer = post(api, f"users/{hanna.id}/usage/api_calls/reset", {"reason": "on the phone"})
    assert answer.json() == {"forgotten": 4}
    entry = Entry.objects.filter(action="usage.reset").latest("id")
    assert (entry.via, entry.reason) == ("api", "on the phone")


def test_policies_are_for_admins(api, make_resource):
    """A tier's limit is read by all, and set and removed by an admin alone."""
    path = f"/api/v1/quotas/policies/gold/{make_resource(default_limit=5).name}"
    assert put(api, path, {"limit": 9}).status_code == 403
    admin = calling(Role.ADMIN)
    assert put(admin, path, {"limit": 9}).json()["limit"] == 9
    assert put(admin, path, {"limit": 8}).status_code == 412
    assert admin.delete(path, headers={"If-Match": '"1"'}).status_code == 204
    assert not [each for each in api.get("/api/v1/quotas/policies").json() if each["tier"] == "gold"]
    assert {"api_calls"} <= {each["name"] for each in api.get("/api/v1/quotas/resources").json()}


def test_a_limit_is_tried_before_it_is_enforced(make_resource):
    """What it would have done is told in numbers; on trial it is beside the limit in force; null ends the trial."""
    name = make_resource(default_limit=5).name
    admin, path = calling(Role.ADMIN), f"/api/v1/quotas/policies/gold/{name}"
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    Peak.objects.create(resource=name, user_id="u", hour=hour, tier="gold", source="tier", limit=100, peak=90)
    effect = admin.get(f"{path}/effect", {"limit": 40}).json()
    assert effect == {"users": 1, "asked": 1, "worst": [{"user_id": "u", "peak": 90}]}
    tried = put(admin, f"{path}/trial", {"limit": 2}).json()
    assert (tried["limit"], tried["trial_limit"]) == (5, 2)
    assert put(admin, f"{path}/trial", {"limit": None}, '"1"').json()["trial_limit"] is None


def test_why_somebody_was_limited(api, hanna):
    """Refusals come with the deciding limit, whether the client loops, and a sentence to send."""
    Refusal.objects.create(user_id=hanna.id, resource="api_calls", source="tier", policy="pro", limit=600, count=40)
    (seen,) = api.get(f"/api/v1/quotas/users/{hanna.id}/refusals").json()
    assert (seen["limit"], seen["tight_loop"], "your limit is 600" in seen["sentence"]) == (600, True, True)


def test_storage_is_measured_on_request(api, hanna):
    """A wish to measure is taken, and answers what it will be known by; another kind of resource is refused."""
    answer = post(api, f"users/{hanna.id}/storage/storage_bytes/recount", {})
    assert (answer.status_code, answer.json()["finished_at"]) == (202, None)
    assert post(api, f"users/{hanna.id}/storage/api_calls/recount", {}).status_code == 422


def test_an_override_is_deleted_without_a_body(api, hanna):
    """As clients send DELETE; a body gives the reason, and what it may not hold is refused."""
    put(api, override(hanna), GIVEN)
    refused = api.delete(override(hanna), '{"why": "x"}', content_type="application/json", headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["field"]) == (422, "why")
    assert api.delete(override(hanna), headers={"If-Match": '"1"'}).status_code == 200
    assert limit_of(api, hanna)["source"] == "tier"
    put(api, override(hanna), GIVEN)
    api.delete(override(hanna), '{"reason": "over"}', content_type="application/json", headers={"If-Match": "*"})
    assert Entry.objects.filter(action="override.remove").latest("id").reason == "over"


@pytest.mark.parametrize("path", ["usage/api_calls/reset", "storage/storage_bytes/recount"])
def test_a_call_whose_fields_are_all_optional_needs_no_body(api, hanna, path):
    """Nothing is sent where nothing has to be said."""
    assert api.generic("POST", f"/api/v1/quotas/users/{hanna.id}/{path}").status_code in (200, 202)


RESOURCE = {"name": "exports", "kind": "rate", "title": "Exports", "unit": "files", "window_seconds": 60}


@pytest.fixture
def admin_api(resources):
    yield calling(Role.ADMIN)
    Resource.objects.filter(name="exports").delete()


def test_a_resource_is_defined_read_and_changed(admin_api):
    """With versions and audit entries, by an admin's token."""
    made = post(admin_api, "resources", {**RESOURCE, "reason": "a new button"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert made.headers["Location"] == "/api/v1/quotas/resources/exports"
    assert made.json()["ttl_seconds"] == 300
    change = {"default_limit": 5, "shadow": True}
    path = made.headers["Location"]
    edited = admin_api.patch(path, change, content_type="application/json", headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["ETag"], edited.json()["title"]) == (200, '"2"', "Exports")
    late = admin_api.patch(path, change, content_type="application/json", headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["current"]["version"]) == (412, 2)
    read = admin_api.get(path)
    assert (read.headers["ETag"], read.json()) == ('"2"', edited.json())
    entries = Entry.objects.filter(target_type="resource", target_id="exports").order_by("id")
    assert [(entry.action, entry.reason) for entry in entries] == [
        ("resource.create", "a new button"),
        ("resource.edit", ""),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "with space"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "api_calls"}, "name"),
        ({"kind": "speed"}, "kind"),
        ({"title": ""}, "title"),
        ({"unit": "u" * 21}, "unit"),
        ({"window_seconds": None}, "window_seconds"),
        ({"window_seconds": 10**12}, "window_seconds"),
        ({"window_seconds": True}, "window_seconds"),
        ({"period": "fortnight"}, "period"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"failure_policy": "maybe"}, "failure_policy"),
        ({"default_limit": -1}, "default_limit"),
        ({"default_limit": 10**30}, "default_limit"),
        ({"cost": 0}, "cost"),
        ({"warn_percent": 99}, "warn_percent"),
        ({"deadline_ms": 10**12}, "deadline_ms"),
        ({"ttl_seconds": 1}, "ttl_seconds"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_resource_that_cannot_be_is_refused_by_field(admin_api, change, field):
    """422 with the field, and nothing is defined."""
    answer = post(admin_api, "resources", {**RESOURCE, **change})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert not Resource.objects.filter(name="exports").exists()


def test_an_operator_defines_no_resource(api):
    """Resources are an admin's."""
    assert post(api, "resources", RESOURCE).status_code == 403


def test_tiers_are_those_of_the_directory(api, make_user):
    """A tier that a user has is listed before it has a policy, with the defaults."""
    make_user(tier="brand_new")
    found = {each["tier"]: each for each in api.get("/api/v1/quotas/tiers").json()}
    (limit,) = [each for each in found["brand_new"]["limits"] if each["resource"] == "api_calls"]
    assert (found["brand_new"]["in_directory"], limit["is_default"], limit["version"]) == (True, True, 0)
    (policy,) = [each for each in found["pro"]["limits"] if each["resource"] == "api_calls"]
    assert (policy["limit"], policy["is_default"]) == (600, False)
