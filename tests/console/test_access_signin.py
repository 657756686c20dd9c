"""Signing in: by name or mail, throttled, and with the cache away."""

import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from structlog.stdlib import ProcessorFormatter

from ops_console.access import services
from ops_console.access.actor import Actor
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.access.throttle import throttle
from ops_console.audit.models import Entry
from tests.console.conftest import PASSWORD, acting, make_person

SignedIn = Callable[[User], Client]
LOGIN = "/accounts/login/"
AWAY = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "unix:///nowhere/valkey.sock",
    },
    "none": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}


def attempt(client: Client, login: str, password: str = PASSWORD, address: str = "192.0.2.1") -> int:
    return client.post(LOGIN, {"login": login, "password": password}, REMOTE_ADDR=address).status_code


def enrolled(user: User) -> Actor:
    """Somebody acting who has a second factor."""
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    return acting(user)


@pytest.mark.parametrize("login", ["operator", "operator@example.org"])
def test_signs_in_by_name_or_mail(operator: User, client: Client, login: str) -> None:
    """Either of the two that people remember will do."""
    assert attempt(client, login) == 302
    assert client.session["_auth_user_id"] == str(operator.pk)


def test_deactivated_person_cannot_sign_in(admin: User, operator: User, client: Client) -> None:
    """The password alone is not enough."""
    services.deactivate(acting(admin), operator.pk, operator.version)
    attempt(client, "operator")
    assert "_auth_user_id" not in client.session


def test_deactivation_ends_the_session(admin: User, operator: User, client: Client) -> None:
    """Whoever is signed in is out at their next click."""
    attempt(client, "operator")
    services.deactivate(acting(admin), operator.pk, operator.version)
    assert client.get("/audit/").status_code == 302


def test_sign_out_everywhere_ends_every_session(operator: User) -> None:
    """Two browsers, one click, both are out."""
    one, other = Client(), Client()
    attempt(one, "operator")
    attempt(other, "operator")
    assert UserSession.objects.filter(user=operator).count() == 2
    assert "Ends every session of operator" in one.get("/access/me/sign-out/").content.decode()
    one.post("/access/me/sign-out/")
    assert other.get("/audit/").status_code == 302


def test_sign_out_is_a_post(operator: User, signed_in: SignedIn) -> None:
    """A link on some page cannot sign anybody out."""
    client = signed_in(operator)
    assert client.get("/accounts/logout/").status_code == 405
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


@override_settings(SIGN_IN_ACCOUNT_RATE="5/m")
@pytest.mark.django_db(transaction=True)
def test_attempts_at_once_are_counted_exactly() -> None:
    """Twenty at the same moment do not slip through together."""

    def count(number: int) -> int:
        request = RequestFactory().post(LOGIN, {"login": "operator"}, REMOTE_ADDR=f"192.0.2.{number}")
        request.user, request.session = AnonymousUser(), {}
        try:
            return throttle(request)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        waits = list(pool.map(count, range(20)))
    assert sum(wait > 0 for wait in waits) == 15


@override_settings(CACHES=AWAY, SIGN_IN_RATE="1/m")
def test_signs_in_with_the_cache_away(operator: User, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """A cache that is gone locks nobody out, and the log says that nobody counts."""
    attempt(Client(), "operator", "wrong")
    assert attempt(client, "operator") == 302
    assert "not being slowed down" in caplog.text


@override_settings(CACHES=AWAY)
def test_sign_in_page_says_that_the_cache_is_away(db: None, client: Client) -> None:
    """People are told, too."""
    page = client.get(LOGIN)
    assert page.status_code == 200
    assert "not being slowed down" in page.content.decode()


def test_post_without_csrf_token_is_refused(operator: User) -> None:
    """A form from elsewhere gets 403 and a page that says what to do."""
    client = Client(enforce_csrf_checks=True)
    refused = client.post(LOGIN, {"login": "operator", "password": PASSWORD})
    assert refused.status_code == 403
    assert "_auth_user_id" not in client.session
    assert "form" in refused.content.decode().lower()


def test_form_of_ten_megabytes_is_413(operator: User, signed_in: SignedIn) -> None:
    """What is too large is refused with its own status, before it is read."""
    refused = signed_in(operator).post(LOGIN, {"login": "x" * 10_000_000, "password": "y"})
    assert refused.status_code == 413
    assert "larger than the console takes" in refused.content.decode()


@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_invitation_is_mailed_and_its_link_lets_in(admin: User, signed_in: SignedIn, client: Client) -> None:
    """From the Access page to the invited person's first sign-in."""
    form = {"username": "ada", "email": "ada@example.org", "role": "operator"}
    shown = signed_in(admin).post("/access/invite/", form).content.decode()
    link = re.search(r"http://testserver(/access/link/[^/]+/)", mail.outbox[0].body).group(1)
    assert link in shown
    opened = client.get(link)
    assert (opened.status_code, opened.headers["Location"]) == (303, "/access/link/")
    assert "for <strong>ada</strong>" in client.get("/access/link/").content.decode()
    assert client.post("/access/link/", {"password1": PASSWORD, "password2": PASSWORD}).status_code == 303
    assert attempt(client, "ada") == 302
    assert client.get(link).status_code == 404


def test_blanks_of_a_chosen_password_are_part_of_it(admin: User, viewer: User, client: Client) -> None:
    """It is kept as it was typed, and so it signs in."""
    client.get(f"/access/link/{services.make_link(acting(admin), viewer.pk).token}/")
    chosen = "  a passphrase between blanks  "
    client.post("/access/link/", {"password1": chosen, "password2": chosen})
    client.post(LOGIN, {"login": viewer.username, "password": chosen})
    assert client.get("/flags/").status_code == 200


def test_invitation_without_a_mail_server_says_so(admin: User, signed_in: SignedIn) -> None:
    """Nothing is written where nobody reads it; the link is there to copy."""
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.console.EmailBackend"):
        form = {"username": "ada", "email": "ada@example.org", "role": "operator"}
        shown = signed_in(admin).post("/access/invite/", form).content.decode()
    assert "could not be mailed" in shown
    assert "/access/link/" in shown


def test_invitation_of_a_taken_name_names_the_field(admin: User, operator: User, signed_in: SignedIn) -> None:
    """The form comes back with 422 and the error at its field."""
    form = {"username": "operator", "email": "ada@example.org", "role": "operator"}
    shown = signed_in(admin).post("/access/invite/", form)
    assert shown.status_code == 422
    assert "already exists" in shown.content.decode()


def test_required_second_factor_leads_to_its_page_only(admin: User, operator: User, signed_in: SignedIn) -> None:
    """Without one, every page leads to the set-up; sign-out stays open."""
    services.require_second_factor(enrolled(admin), True, 1, grace_days=0)
    client = signed_in(operator)
    for path in ("/audit/", "/flags/", "/access/", "/accounts/sessions/", "/accounts/2fa/codes/"):
        assert client.get(path).headers.get("Location") in ("/accounts/2fa/", None), path
    assert client.get("/audit/").headers["Location"] == "/accounts/2fa/"
    assert "requires a second factor of everybody" in client.get("/accounts/2fa/").content.decode()
    assert client.post("/accounts/logout/").status_code == 302


@override_settings(REQUIRE_SECOND_FACTOR=True)
def test_environment_requires_a_second_factor(operator: User, signed_in: SignedIn) -> None:
    """The setting does what the stored rule does."""
    assert signed_in(operator).get("/audit/").headers["Location"] == "/accounts/2fa/"


def test_recovery_codes_alone_are_no_second_factor(admin: User, operator: User, signed_in: SignedIn) -> None:
    """They only stand in for one."""
    Authenticator.objects.create(user=operator, type=Authenticator.Type.RECOVERY_CODES, data={})
    services.require_second_factor(enrolled(admin), True, 1, grace_days=0)
    assert signed_in(operator).get("/audit/").headers["Location"] == "/accounts/2fa/"


def test_second_factor_is_asked_at_sign_in(operator: User, client: Client) -> None:
    """With an authenticator app the password alone opens nothing; the code does."""
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(operator, secret)
    attempt(client, "operator")
    assert client.get("/audit/").status_code == 302
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert client.get("/audit/").status_code == 200


@override_settings(SIGN_IN_RATE="4/m")
def test_codes_are_throttled(operator: User, client: Client) -> None:
    """Six digits are not guessed, from however many addresses."""
    TOTP.activate(operator, "JBSWY3DPEHPK3PXP")
    attempt(client, "operator")
    answers = [
        client.post("/accounts/2fa/authenticate/", {"code": "000000"}, REMOTE_ADDR=f"192.0.2.{n}").status_code
        for n in range(2, 7)
    ]
    assert answers == [200, 200, 200, 200, 429]


def test_own_password_change_is_in_the_audit(operator: User, client: Client) -> None:
    """Changed on allauth's page, recorded in ours, and the session goes on."""
    attempt(client, "operator")
    form = {"oldpassword": PASSWORD, "password1": "another long sentence", "password2": "another long sentence"}
    client.post(reverse("account_change_password"), form)
    assert Entry.objects.latest("id").action == "person.change_password"
    assert client.get("/audit/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_own_second_factor_is_in_the_audit_without_its_secret(client: Client) -> None:
    """Setting up an authenticator app commits, with its recovery codes and one entry that names both."""
    make_person(Role.OPERATOR)
    attempt(client, "operator")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    secret = client.get("/accounts/2fa/app/activate/").context["form"].secret
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    assert client.post("/accounts/2fa/app/activate/", {"code": code}).status_code == 302
    made = Entry.objects.latest("id")
    assert (made.action, made.before) == ("person.change_second_factor", {})
    assert sorted(made.after) == ["Recovery codes", "TOTP Authenticator"]
    assert secret not in str(list(Entry.objects.values()))


def test_link_tokens_do_not_reach_the_log(
    admin: User, viewer: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A log's reader cannot use the links that it names."""
    token = services.make_link(acting(admin), viewer.pk).token
    with caplog.at_level("INFO"):
        client.get(f"/access/link/{token}/")
        client.get(f"/access/link/{token}x/")
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one.formatter, ProcessorFormatter)]
    written = "\n".join(handler.format(record) for record in caplog.records)
    assert "/access/link/..." in written
    assert token not in written


def test_entry_carries_the_id_of_its_request(
    admin: User, viewer: User, signed_in: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    """What the log calls the request, the audit calls it too."""
    with caplog.at_level("INFO"):
        signed_in(admin).post(f"/access/{viewer.pk}/sign-out/")
    logged = {record.msg["request_id"] for record in caplog.records if isinstance(record.msg, dict)}
    assert {Entry.objects.latest("id").request_id} == logged


@pytest.mark.parametrize(
    ("path", "heading", "label"),
    [
        ("/accounts/password/", "Change password", "Current password"),
        ("/accounts/reauthenticate/", "Confirm access", "Password"),
        ("/accounts/2fa/keys/", "Security keys", ""),
    ],
)
def test_pages_of_the_account_are_worded_like_the_others(
    operator: User, signed_in: SignedIn, path: str, heading: str, label: str
) -> None:
    """The library's own pages write Every Word Large; here headings, labels and buttons are sentences."""
    page = signed_in(operator).get(path).content.decode()
    main = page[page.index("<main") :]
    assert re.findall(r"<h1>\s*([^<]*?)\s*</h1>", main) == [heading]
    assert not label or label in re.findall(r"<label[^>]*>([^<]*?)\s*<", main)
    assert not re.search(r"<button[^>]*>\s*\w+ [A-Z]", main.partition("toasts")[0])
