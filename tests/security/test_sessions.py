"""Sessions: what their table is worth to a thief, when they end, and which changes ask for a recent sign-in."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from ops_console.access import links, services, token_services
from ops_console.access.models import ApiToken, User
from ops_console.access.roles import Role
from tests.people import actor, person, signed_in

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough passphrase 7"
SIGN_IN = "/accounts/login/"


def cookie_of(client: Client) -> str:
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


def aged(client: Client, **shift: timedelta) -> None:
    """Move the times of the client's session into the past."""
    session = UserSession.objects.get(user_id=client.session["_auth_user_id"])
    for field, by in shift.items():
        setattr(session, field, getattr(session, field) - by)
    session.save()


def with_old_proof(role: Role) -> Client:
    """A client whose person proved who they are sixteen minutes ago."""
    client = signed_in(role)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY][-1]["at"] -= 16 * 60
    session.save()
    return client


def test_no_table_holds_the_cookie() -> None:
    """A copy of the database, or a reader of its tables, signs nobody in."""
    client = signed_in(Role.ADMIN)
    client.get("/flags/")
    with connection.cursor() as cursor:
        for table in (Session._meta.db_table, UserSession._meta.db_table):
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
            assert cookie_of(client) not in cursor.fetchone()[0]


def test_the_key_in_the_table_is_no_cookie() -> None:
    """What the tables hold, sent as a cookie, is nobody's session."""
    signed_in(Role.ADMIN).get("/flags/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get().session_key
    assert thief.get("/flags/").status_code == 302


def test_signing_out_ends_the_session_and_clears_the_browser() -> None:
    """The cookie is worth nothing afterwards, and what scripts have stored is removed."""
    client = signed_in(Role.VIEWER)
    kept = cookie_of(client)
    answer = client.post("/accounts/logout/")
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    client.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert client.get("/flags/").status_code == 302


def test_signing_in_gives_a_new_cookie() -> None:
    """A session that somebody planted before the sign-in is not the one after it."""
    person(Role.OPERATOR).set_password(PASSWORD)
    user = person(Role.OPERATOR)
    user.set_password(PASSWORD)
    user.save()
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = cookie_of(client)
    client.post(SIGN_IN, {"login": user.username, "password": PASSWORD})
    assert cookie_of(client) != planted
    assert client.get("/flags/").status_code == 200


def test_a_session_without_activity_ends_and_says_so() -> None:
    """After an hour the browser is signed out, and the sign-in page gives the reason."""
    client = signed_in(Role.VIEWER)
    client.get("/flags/")
    aged(client, last_seen_at=timedelta(minutes=59))
    assert client.get("/flags/").status_code == 200
    aged(client, last_seen_at=timedelta(minutes=61))
    refused = client.get("/flags/")
    assert refused.headers["Location"].startswith(SIGN_IN)
    assert "signed out after 60 minutes without activity" in client.get(SIGN_IN).content.decode()
    assert not Session.objects.filter(session_key__in=UserSession.objects.values("session_key")).exists()


@pytest.mark.parametrize("headers", [{"X-Automatic": "1"}, {"Accept": "text/event-stream"}])
def test_what_a_page_asks_by_itself_is_no_activity(headers: dict[str, str]) -> None:
    """A page that is left open refreshes itself, and its session still ends."""
    client = signed_in(Role.VIEWER)
    client.get("/flags/")
    aged(client, last_seen_at=timedelta(minutes=40))
    before = UserSession.objects.get().last_seen_at
    assert client.get("/audit/", headers=headers).status_code == 200
    assert UserSession.objects.get().last_seen_at == before
    aged(client, last_seen_at=timedelta(minutes=21))
    assert client.get("/flags/", headers=headers).status_code == 302


def test_a_session_in_use_ends_after_its_hours() -> None:
    """Twelve hours after the sign-in, used or not."""
    client = signed_in(Role.VIEWER)
    client.get("/flags/")
    aged(client, created_at=timedelta(hours=12, minutes=1))
    assert client.get("/flags/").status_code == 302


GUARDED: list[tuple[str, str, dict[str, str]]] = [
    ("get", "/access/invite/", {}),
    ("post", "/access/invite/", {"username": "eve", "email": "eve@example.org", "role": "admin"}),
    ("post", "/access/{id}/role/", {"role": "admin", "version": "1"}),
    ("post", "/access/{id}/link/", {}),
    ("post", "/access/{id}/deactivate/", {"version": "1"}),
    ("post", "/access/{id}/sign-out/", {}),
    ("post", "/access/{id}/second-factors/", {"version": "1"}),
    ("post", "/access/second-factor/require/", {"version": "1", "grace_days": "7"}),
    ("post", "/access/second-factor/optional/", {"version": "1"}),
    ("post", "/access/me/sign-out/", {}),
    ("get", "/accounts/sessions/", {}),
    ("post", "/access/tokens/new/", {"name": "ci", "role": "viewer", "scopes": "flags:read", "days": "90"}),
    ("post", "/sweep/episode_assembly/arm/", {"reason": "now"}),
    ("post", "/admin/access/user/{id}/change/", {"username": "vera", "email": "v@example.com", "role": "admin"}),
]


@pytest.mark.parametrize(("method", "path", "form"), GUARDED)
def test_an_open_browser_is_not_enough(method: str, path: str, form: dict[str, str]) -> None:
    """Sixteen minutes after the last proof, the change is not made and the password is asked for."""
    viewer = person(Role.VIEWER)
    client = with_old_proof(Role.ADMIN)
    entries = "SELECT count(*) FROM ops.audit_entry"
    with connection.cursor() as cursor:
        before = cursor.execute(entries) or cursor.fetchone()
        answer: Callable[..., object] = getattr(client, method)
        response = answer(path.format(id=viewer.pk), form)
        assert response.headers["Location"].startswith("/accounts/reauthenticate/?next=")  # type: ignore[attr-defined]
        assert (cursor.execute(entries) or cursor.fetchone()) == before


def test_the_password_is_asked_for_once_and_leads_back() -> None:
    """After it, for a quarter of an hour, nothing is asked again."""
    admin = person(Role.ADMIN)
    admin.set_password(PASSWORD)
    admin.save()
    client = with_old_proof(Role.ADMIN)
    asked = client.get("/access/invite/").headers["Location"]
    assert "Confirm access" in client.get(asked).content.decode()
    assert client.post(asked, {"password": PASSWORD}).headers["Location"] == "/access/invite/"
    assert client.get("/access/invite/").status_code == 200


def test_a_fragment_is_sent_to_the_question_as_a_page() -> None:
    """A dialog cannot hold the question: the browser goes there, and comes back to the page."""
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/access/?role=viewer"}
    answer = with_old_proof(Role.ADMIN).get("/access/invite/", headers=headers)
    assert answer.headers["HX-Redirect"] == "/accounts/reauthenticate/?next=%2Faccess%2F"


def test_another_site_is_not_led_back_to() -> None:
    """The address that a browser names is believed only where it is ours."""
    headers = {"Referer": "https://evil.example/phish"}
    answer = with_old_proof(Role.ADMIN).post("/access/me/sign-out/", headers=headers)
    assert answer.headers["Location"] == "/accounts/reauthenticate/?next=%2F"


def test_a_reset_and_a_sign_out_everywhere_end_the_tokens() -> None:
    """Somebody who has lost control of their account ends everything that acts for it."""
    user: User = person(Role.OPERATOR)
    user.set_password(PASSWORD)
    user.save()
    for end in (
        lambda: services.sign_out_everywhere(actor(), user.pk),
        lambda: services.set_password_by_link(
            links.find(services.make_link(actor(Role.ADMIN), user.pk).token).pk, PASSWORD + "!", None
        ),
    ):
        token_services.create(actor(), "ci", Role.VIEWER, ["flags:read"])
        end()
        assert not ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=timezone.now()).exists()


def test_a_changed_password_ends_the_other_sessions() -> None:
    """The browser that changed it stays; every other is out, and in no list any more."""
    user = person(Role.OPERATOR)
    user.set_password(PASSWORD)
    user.save()
    one, other = signed_in(Role.OPERATOR), signed_in(Role.OPERATOR)
    one.get("/flags/")
    other.get("/flags/")
    form = {"oldpassword": PASSWORD, "password1": PASSWORD + "!", "password2": PASSWORD + "!"}
    one.post("/accounts/password/", form)
    assert one.get("/flags/").status_code == 200
    assert other.get("/flags/").status_code == 302
    assert UserSession.objects.filter(user=user).count() == 1


def test_the_list_of_sessions_costs_the_same_for_many(django_assert_max_num_queries: Callable[..., object]) -> None:
    """One query, at most a hundred rows."""
    client = signed_in(Role.VIEWER)
    client.get("/flags/")
    user = person(Role.VIEWER)
    later = timezone.now() + timedelta(hours=1)
    Session.objects.bulk_create(Session(f"{n:040}", "", later) for n in range(150))
    UserSession.objects.bulk_create(UserSession(user=user, session_key=f"{n:040}", ip="::1") for n in range(150))
    with django_assert_max_num_queries(8):  # type: ignore[attr-defined]
        shown = client.get("/accounts/sessions/").content.decode()
    assert shown.count("<tr>") == 101


def test_cookies_belong_to_this_host_alone() -> None:
    """With HTTPS each cookie of the server has the prefix that a sibling host cannot write; read in a fresh process."""
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings as s\n"
        "from ops_console.web.messages import _Cookie\n"
        "print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, _Cookie.cookie_name, s.SESSION_COOKIE_SECURE)"
    )
    environment = os.environ | {"HTTPS": "1", "DJANGO_SETTINGS_MODULE": "ops_console.settings"}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["__Host-sessionid", "__Host-csrftoken", "__Host-messages", "True"]


def test_an_api_call_by_plain_http_is_refused() -> None:
    """It is not led to HTTPS: whoever wrote the client would not notice that the token was sent in clear."""
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert Client().get("/api/v1/flags", headers={"Authorization": "Bearer x"}).status_code == 403
        assert Client().get("/flags/").status_code == 301
