"""API tokens: made by people for themselves, kept as a hash, working for a time and for one role."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ops_console.access import queries, token_services, tokens
from ops_console.access import services as access
from ops_console.access.models import ApiToken, User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput, NotAllowed, NotAuthenticated, NotFound
from tests.api.calling import with_token
from tests.people import actor, person

pytestmark = pytest.mark.django_db


def made(role: Role = Role.OPERATOR, scopes: tuple[str, ...] = ("flags:read",)) -> token_services.NewToken:
    return token_services.create(actor(role), "deploy", role, scopes)


def test_only_a_hash_is_kept() -> None:
    """Neither the row nor the audit holds the secret of a token; its key, which shows, is in both."""
    new = made()
    secret = new.text.split("_", 2)[2]
    row = ApiToken.objects.values().get(pk=new.token.pk)
    entry = Entry.objects.get(action="token.create")
    assert secret not in str(row) and secret not in str(entry.after)
    assert entry.after["key"] == row["key"] and row["key"] in new.text


def test_a_token_lasts_ninety_days_and_a_year_at_most() -> None:
    """Without a word about it a token ends after 90 days; more than 366, or none, is refused."""
    assert made().token.expires_at - timezone.now() > timedelta(days=89, hours=23)
    for days in (0, 367):
        with pytest.raises(InvalidInput, match="1 to 366") as refused:
            token_services.create(actor(), "deploy", "viewer", ["flags:read"], days)
        assert refused.value.field == "days"


@pytest.mark.parametrize(
    ("role", "scopes", "field"),
    [
        ("admin", ["flags:read"], "role"),
        ("root", ["flags:read"], "role"),
        ("viewer", ["flags:write"], "scopes"),
        ("operator", ["flags:paint"], "scopes"),
        ("operator", [], "scopes"),
    ],
)
def test_a_token_reaches_no_further_than_its_person(role: str, scopes: list[str], field: str) -> None:
    """An operator makes no admin's token, and no token changes things while it acts as a viewer."""
    with pytest.raises(InvalidInput) as refused:
        token_services.create(actor(Role.OPERATOR), "deploy", role, scopes)
    assert refused.value.field == field


def test_a_token_makes_no_tokens() -> None:
    """Only somebody who signed in makes tokens: one that leaked cannot make its own successor."""
    by_token = actor()
    with pytest.raises(NotAllowed):
        token_services.create(type(by_token)(by_token.name, by_token.role, "api", by_token.user_id), "x", "viewer", [])


def end(new: token_services.NewToken, how: str) -> None:
    user: User = new.token.user
    admin = actor(Role.ADMIN)
    if how == "revoked":
        token_services.revoke(actor(), new.token.pk)
    elif how == "expired":
        ApiToken.objects.update(expires_at=timezone.now())
    elif how == "deactivated":
        access.deactivate(admin, user.pk, user.version)
    else:
        access.change_role(admin, user.pk, Role.VIEWER, user.version)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("revoked", "was revoked"),
        ("expired", "has expired"),
        ("deactivated", "was revoked"),
        ("demoted", "is viewer now"),
    ],
)
def test_a_token_ends_with_what_it_stood_on(how: str, said: str) -> None:
    """Revoked, expired, its person shut out or demoted below it: the next call hears 401, and why."""
    new = made()
    client = with_token(new.text)
    assert client.get("/api/v1/flags").status_code == 200
    end(new, how)
    answer = client.get("/api/v1/flags")
    assert (answer.status_code, said in answer.json()["detail"]) == (401, True)


def test_a_wrong_secret_hears_nothing_of_the_right_key() -> None:
    """Whoever knows the key of an ended token but not its secret hears what every stranger hears."""
    new = made()
    token_services.revoke(actor(), new.token.pk)
    for text in (f"opsc_{new.token.key}_{'x' * 43}", "opsc_", "", "ö" * 70, "\udcff"):
        with pytest.raises(NotAuthenticated, match="no such token"):
            tokens.working(text)


def test_revoking_is_ones_own_or_an_admins() -> None:
    """An operator ends their own tokens and nobody else's; an admin ends any; the second time changes nothing."""
    new = made(Role.ADMIN)
    with pytest.raises(NotFound):
        token_services.revoke(actor(Role.OPERATOR), new.token.pk)
    person(Role.ADMIN, "arthur")
    token_services.revoke(actor(Role.ADMIN, "arthur"), new.token.pk, "seen in a log")
    first = ApiToken.objects.get().revoked_at
    token_services.revoke(actor(Role.ADMIN), new.token.pk)
    assert ApiToken.objects.get().revoked_at == first
    assert Entry.objects.get(action="token.revoke").reason == "seen in a log"


def test_last_use_is_kept_to_ten_minutes() -> None:
    """The first call notes the time, the next ones do not write again until ten minutes have gone."""
    new = made()
    client = with_token(new.text)
    client.get("/api/v1/flags")
    first = ApiToken.objects.get().last_used_at
    assert first
    client.get("/api/v1/flags")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=11))
    client.get("/api/v1/flags")
    assert ApiToken.objects.get().last_used_at > first


@override_settings(SIGN_IN_RATE="3/h")
def test_guessing_is_slowed_down() -> None:
    """After three wrong secrets for a key its address hears 429 with Retry-After; the right one still works."""
    new = made()
    wrong = with_token(f"opsc_{new.token.key}_{'x' * 43}")
    assert [wrong.get("/api/v1/flags").status_code for _ in range(3)] == [401, 401, 401]
    refused = wrong.get("/api/v1/flags")
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    assert with_token(new.text).get("/api/v1/flags").status_code == 200


def require_second_factor(required: bool) -> None:
    """Ask a second factor of everybody, or no longer, as an admin does on the page."""
    admin = person(Role.ADMIN)
    if not queries.has_second_factor(admin):
        TOTP.activate(admin, "JBSWY3DPEHPK3PXP")
    access.require_second_factor(actor(Role.ADMIN), required, queries.second_factor_rule().version, grace_days=0)


def test_a_token_is_no_way_round_a_required_second_factor() -> None:
    """Made before one was required, a token hears 403 and what to do, until its person has one, or none is required."""
    new = made()
    client = with_token(new.text)
    require_second_factor(True)
    refused = client.get("/api/v1/flags")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_missing")
    assert "oscar has none" in refused.json()["detail"] and "Sign in and set one up" in refused.json()["detail"]
    assert ApiToken.objects.get().last_used_at is None
    TOTP.activate(new.token.user, "JBSWY3DPEHPK3PXP")
    assert client.get("/api/v1/flags").status_code == 200
    access.remove_second_factors(actor(Role.ADMIN), new.token.user_id)
    assert client.get("/api/v1/flags").status_code == 403
    require_second_factor(False)
    assert client.get("/api/v1/flags").status_code == 200


@override_settings(REQUIRE_SECOND_FACTOR=True)
def test_the_environment_asks_tokens_for_a_second_factor_too() -> None:
    """The setting does what the stored rule does; recovery codes alone are no factor."""
    new = made()
    Authenticator.objects.create(user=new.token.user, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert with_token(new.text).get("/api/v1/flags").status_code == 403
    TOTP.activate(new.token.user, "JBSWY3DPEHPK3PXP")
    assert with_token(new.text).get("/api/v1/flags").status_code == 200


@override_settings(REQUIRE_SECOND_FACTOR=True, API_RATE="3/h")
def test_refused_for_the_factor_a_call_still_counts() -> None:
    """What is refused is bounded like what is answered."""
    client = with_token(made().text)
    assert [client.get("/api/v1/flags").status_code for _ in range(4)] == [403, 403, 403, 429]


def test_whether_a_token_works_is_one_query() -> None:
    """The rule and the factor are asked in the statement that finds the token."""
    new = made()
    with CaptureQueriesContext(connection) as asked:
        tokens.require_second_factor(tokens.working(new.text))
    assert len(asked) == 1
