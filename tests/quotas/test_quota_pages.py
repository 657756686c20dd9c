"""The quota pages, as each role meets them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.forms import model_to_dict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ops_console.access.roles import Role
from quotas.models import Override, Policy, Refusal, Resource
from tests import plain_form
from tests.people import person, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
USUAL = {"cost": "1", "warn_percent": "80", "nearly_percent": "95", "deadline_ms": "2000"}
FORM = {"limit": "120", "expiry": "7", "expires_at": "", "reason": "a launch", "version": "0"}


@pytest.fixture
def operator(resources):
    return signed_in(Role.OPERATOR)


@pytest.fixture
def admin(resources):
    return signed_in(Role.ADMIN)


def url(user, resource="api_calls"):
    return f"/quotas/users/{user.id}/{resource}/"


@pytest.mark.parametrize("by", ["email", "id"])
def test_a_user_is_found_with_their_limits(operator, hanna, by):
    """By mail or by id, with what is in force for them."""
    answer = operator.get("/quotas/", {"q": getattr(hanna, by)})
    assert [each.person.id for each in answer.context["found"]] == [hanna.id]
    assert [
        limit.limit_words for limit in answer.context["found"][0].limits if limit.usage.resource == "api_calls"
    ] == ["600 calls"]


@pytest.mark.parametrize("text", ["nobody at all", "%", "a\0b", "'; --", "<script>"])
def test_odd_searches_find_nobody(operator, text):
    """Whatever is typed is a text to look for."""
    answer = operator.get("/quotas/", {"q": text})
    assert answer.status_code == 200
    assert b"<script>" not in answer.content.replace(b"<script defer", b"").replace(b"<script nonce", b"")


def test_a_users_page_says_where_limits_come_from(operator, hanna, allow):
    """Every resource with its limit, and the override with who gave it and why."""
    allow(hanna, "api_calls", 7)
    text = operator.get(f"/quotas/users/{hanna.id}/").content.decode()
    assert "asked for by support" in text
    assert "tier pro" in text


@pytest.mark.parametrize("user_id", ["nobody", "00000000-0000-0000-0000-000000000000", "%00", "a" * 300])
def test_an_id_that_nobody_has_is_404(operator, user_id):
    """An id that is no UUID, or nobody's, is told so on the page and on the form."""
    assert operator.get(f"/quotas/users/{user_id}/").status_code == 404
    assert operator.post(f"/quotas/users/{user_id}/api_calls/", FORM).status_code == 404


def test_an_operator_gives_an_override(operator, hanna):
    """What is posted is in force, for seven days unless told otherwise."""
    assert operator.post(url(hanna), FORM).status_code == 303
    override = Override.objects.get(user_id=hanna.id)
    assert (override.limit, override.created_by, override.reason) == (120, "oscar", "a launch")
    assert (override.expires_at - override.created_at).days in (6, 7)


def test_for_good_is_a_choice(operator, hanna):
    """No expiry is possible, and has to be chosen."""
    operator.post(url(hanna), {**FORM, "expiry": "good"})
    assert Override.objects.get(user_id=hanna.id).expires_at is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "-1"),
        ("limit", "many"),
        ("limit", "9" * 30),
        ("limit", ""),
        ("reason", ""),
        ("expiry", "never"),
        ("expires_at", "soon"),
        ("version", "one"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(operator, hanna, field, value):
    """A bad field is shown again with its error, and nothing is saved."""
    answer = operator.post(url(hanna), {**FORM, field: value})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Override.objects.filter(user_id=hanna.id).exists()


def test_an_expiry_in_the_past_is_said_beside_the_field(operator, hanna):
    """What only the service can know is shown in the form as well."""
    answer = operator.post(url(hanna), {**FORM, "expiry": "until", "expires_at": "2020-01-01T00:00"})
    assert "past" in str(answer.context["form"].errors["expires_at"])


TYPED = {"expires_at": "2099-07-01T20:00", "expires_at_zone": "Europe/Prague"}


def test_a_typed_date_is_the_expiry(operator, hanna):
    """A date typed beside the preselected "In 7 days" wins, in the zone of the page; the toast names the expiry."""
    operator.cookies["timezone"] = "Europe/Prague"
    answer = operator.post(url(hanna), {**FORM, **TYPED}, headers={"HX-Request": "true"})
    assert Override.objects.get(user_id=hanna.id).expires_at == datetime(2099, 7, 1, 18, tzinfo=UTC)
    assert "120 calls until 2099-07-01 20:00 CEST (18:00 UTC)." in toast_of(answer)["text"]


@pytest.mark.parametrize("expiry", ["30", "good"])
def test_a_typed_date_and_another_choice_contradict(operator, hanna, expiry):
    """Two ends were given: neither is guessed."""
    answer = operator.post(url(hanna), {**FORM, **TYPED, "expiry": expiry})
    assert answer.status_code == 422
    assert "Custom date" in str(answer.context["form"].errors["expires_at"])
    assert not Override.objects.filter(user_id=hanna.id).exists()


def test_a_typed_date_replaces_the_one_that_is_kept(operator, hanna, allow):
    """In an edit the preselected choice keeps the expiry; a typed date replaces it, and without one it stays."""
    given = allow(hanna, "api_calls", 7, expires_at=timezone.now() + timedelta(days=3))
    edit = {**FORM, "expiry": "keep"}
    operator.post(url(hanna), {**edit, "version": "1"})
    assert Override.objects.get(user_id=hanna.id).expires_at == given.expires_at
    operator.post(url(hanna), {**edit, **TYPED, "version": "2"})
    assert Override.objects.get(user_id=hanna.id).expires_at == datetime(2099, 7, 1, 18, tzinfo=UTC)


def test_an_edit_can_be_undone(operator, hanna, allow):
    """Undo sets limit, expiry and reason back, unless somebody has changed them since."""
    given = allow(hanna, "api_calls", 7, expires_at=timezone.now() + timedelta(days=3))
    answer = operator.post(url(hanna), {**FORM, "version": "1"}, headers={"HX-Request": "true"})
    undo = toast_of(answer)["undo_url"]
    assert operator.post(undo).status_code == 303
    back = Override.objects.get(user_id=hanna.id)
    assert (back.limit, back.reason, back.version) == (7, "asked for by support", 3)
    assert abs(back.expires_at - given.expires_at) < timedelta(milliseconds=1)
    assert operator.post(undo).status_code == 422


def test_an_edit_of_a_removed_override_cannot_be_undone(operator, hanna, allow):
    """It is gone: the answer says so, and none is made."""
    allow(hanna, "api_calls", 7)
    answer = operator.post(url(hanna), {**FORM, "version": "1"}, headers={"HX-Request": "true"})
    operator.post(f"{url(hanna)}remove/2/")
    assert operator.post(toast_of(answer)["undo_url"]).status_code == 404


def toast_of(answer):
    return json.loads(answer["HX-Trigger"])["ops:toast"]


def test_the_second_editor_is_shown_both(operator, admin, hanna, allow):
    """Two operators on one override: the second gets both versions and the offer to put theirs over it."""
    allow(hanna, "api_calls", 7)
    operator.post(url(hanna), {**FORM, "limit": "200", "version": "1"})
    answer = admin.post(url(hanna), {**FORM, "limit": "300", "version": "1"})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert ("200" in text, "300" in text, 'name="version" value="2"' in text) == (True, True, True)
    assert "<strong>oscar</strong>" in text
    assert Override.objects.get(user_id=hanna.id, ended_at=None).limit == 200


def test_a_removal_can_be_taken_back(operator, hanna, allow):
    """Remove is one click; Undo gives the same override again."""
    given = allow(hanna, "api_calls", 7)
    operator.post(f"{url(hanna)}remove/1/")
    assert not Override.objects.filter(user_id=hanna.id, ended_at=None).exists()
    operator.post(f"/quotas/overrides/{given.pk}/restore/")
    assert Override.objects.get(user_id=hanna.id, ended_at=None).limit == 7


def test_a_viewer_changes_nothing(resources, hanna, allow):
    """A viewer reads every page and is refused every change."""
    allow(hanna, "api_calls", 7)
    viewer = signed_in(Role.VIEWER)
    for path in ("/quotas/", f"/quotas/users/{hanna.id}/", "/quotas/tiers/", "/quotas/resources/"):
        answer = viewer.get(path)
        assert (answer.status_code, b"hx-post" in answer.content) == (200, False)
    for path in (url(hanna), f"{url(hanna)}remove/1/", "/quotas/tiers/pro/api_calls/", "/quotas/resources/api_calls/"):
        assert viewer.post(path, FORM).status_code == 403


def test_only_an_admin_edits_tiers(operator, admin):
    """The matrix is read by everybody and edited by admins, who take a policy away by leaving the field empty."""
    path = "/quotas/tiers/starter/concurrent_assemblies/"
    assert operator.post(path, {"limit": "4", "version": "0"}).status_code == 403
    assert admin.post(path, {"limit": "4", "version": "0"}).status_code == 303
    assert Policy.objects.get(tier="starter", resource="concurrent_assemblies").limit == 4
    assert admin.post(path, {"limit": "", "version": "1"}).status_code == 303
    assert not Policy.objects.filter(tier="starter", resource="concurrent_assemblies").exists()


def test_an_admin_edits_a_resource(admin, make_resource):
    """The form holds what the kind has a use for; a wrong value is said beside its field."""
    resource = make_resource(default_limit=5)
    path, form = f"/quotas/resources/{resource.name}/", {"title": "T", "unit": "calls", "window_seconds": "60"}
    form |= {"default_limit": "9", "failure_policy": "closed", "version": "1", **USUAL}
    assert "period" not in admin.get(path).context["form"].fields
    assert "window_seconds" in admin.post(path, {**form, "window_seconds": "0"}).context["form"].errors
    assert admin.post(path, form).status_code == 303
    resource.refresh_from_db()
    assert (resource.default_limit, resource.failure_policy, resource.version) == (9, "closed", 2)


@pytest.mark.parametrize("kind", Resource.Kind.values)
def test_a_resource_is_saved_as_its_page_shows_it(admin, make_resource, kind):
    """What a browser sends of the page names the version that was read, and changes nothing."""
    resource = make_resource(kind=kind, default_limit=987, unit="seconds")
    path = f"/quotas/resources/{resource.name}/"
    body = plain_form.sent(plain_form.fields_of(admin.get(path).content.decode(), ""))
    assert admin.post(path, body).status_code == 303
    saved = Resource.objects.get(pk=resource.pk)
    assert model_to_dict(saved) == model_to_dict(resource)


def test_an_admin_defines_a_resource(admin):
    """A new resource can be asked for at once; a name that is taken is said beside its field."""
    form = {"name": "exports", "kind": "rate", "title": "Exports", "unit": "exports", "window_seconds": "3600"}
    form |= {"timezone": "UTC", "ttl_seconds": "300", "failure_policy": "open", "default_limit": "10", **USUAL}
    assert admin.post("/quotas/resources/new/", form).status_code == 303
    assert Resource.objects.get(pk="exports").window_seconds == 3600
    assert "name" in admin.post("/quotas/resources/new/", form).context["form"].errors


def test_why_was_i_limited(operator, hanna):
    """Refusals show with route, client and the deciding limit, escaped whatever they hold."""
    evil = "<img src=x onerror=alert(1)>"
    Refusal.objects.create(
        resource="api_calls", user_id=hanna.id, route=evil, client=evil, limit=60, source="tier", policy=evil
    )
    for path in (f"/quotas/users/{hanna.id}/", "/quotas/"):
        assert evil not in operator.get(path).content.decode()


def test_a_post_without_its_token_is_refused(resources, hanna):
    """A form that another site sends changes nothing."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(person(Role.OPERATOR))
    assert client.post(url(hanna), FORM).status_code == 403


def test_the_list_asks_few_questions(operator, make_user):
    """Twenty users with all their limits cost as many queries as one."""
    make_user(email="alone@example.net")
    for number in range(20):
        make_user(email=f"listed{number}@example.net")
    operator.get("/quotas/", {"q": "alone@"})  # what the first request of a process reads once
    counts = []
    for text in ("alone@", "listed"):
        with CaptureQueriesContext(connection) as queries:
            operator.get("/quotas/", {"q": text})
        counts.append(len(queries))
    assert counts[0] == counts[1]
