"""Requiring a second factor of everybody: asked first, with a grace period, and undone by one click."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.utils import timezone

from ops_console.access import queries, services, tokens
from ops_console.access.models import ApiToken, Policy, User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput
from tests.console.conftest import acting, make_person

SignedIn = Callable[[User], Client]
REQUIRE = "/access/second-factor/require/"
OPTIONAL = "/access/second-factor/optional/"
BROWSER = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def enrolled(admin: User) -> User:
    """An admin who has a second factor."""
    TOTP.activate(admin, "JBSWY3DPEHPK3PXP")
    return admin


def test_question_names_who_would_be_blocked(enrolled: User, operator: User, viewer: User, signed_in: SignedIn) -> None:
    """GET changes nothing and lists the people and API tokens that the policy would block; POST requires it."""
    ApiToken.objects.create(
        user=operator,
        name="ci",
        key="k",
        token_hash="h",
        role=operator.role,
        scopes=[],
        expires_at=timezone.now() + timedelta(days=1),
    )
    asked = signed_in(enrolled).get(REQUIRE).content.decode()
    assert "2 people have no second factor" in asked
    assert "operator (operator)" in asked and "viewer (viewer)" in asked and "admin (admin)" not in asked
    assert "API tokens of these people that stop working with them: 1" in asked
    assert not queries.second_factor_rule().required


def test_list_of_blocked_people_is_bounded(enrolled: User, signed_in: SignedIn) -> None:
    """A thousand colleagues are a count and twenty names."""
    User.objects.bulk_create(User(username=f"person{n:04}", role=Role.VIEWER) for n in range(1000))
    asked = signed_in(enrolled).get(REQUIRE).content.decode()
    assert "1,000 people have no second factor" in asked and "and 980 more" in asked
    assert asked.count("(viewer)") == 20


@pytest.mark.parametrize("via_page", [True, False])
def test_admin_without_a_factor_enrols_first(admin: User, signed_in: SignedIn, via_page: bool) -> None:
    """Nobody can block themselves: the service refuses, and the question shows why."""
    if via_page:
        refused = signed_in(admin).post(REQUIRE, {"version": 1, "grace_days": 0, "reason": ""})
        assert refused.status_code == 422
        assert "Set one up first" in refused.content.decode()
    else:
        with pytest.raises(InvalidInput, match="Set one up first"):
            services.require_second_factor(acting(admin), True, 1, grace_days=0)
    assert not Policy.objects.filter(require_second_factor=True).exists()
    assert "set up your own second factor" in signed_in(admin).get("/access/").content.decode()


def test_grace_period_asks_once_and_blocks_nobody(enrolled: User, operator: User, signed_in: SignedIn) -> None:
    """The first page after signing in is the set-up, with a way on; then every page works and carries a notice."""
    services.require_second_factor(acting(enrolled), True, 1, grace_days=7)
    client = signed_in(operator)
    assert client.get("/audit/", **HTMX).status_code == 200
    first = client.get("/audit/?actor=a", **BROWSER)
    assert first.headers["Location"] == "/accounts/2fa/?next=%2Faudit%2F%3Factor%3Da"
    shown = client.get(first.headers["Location"], **BROWSER).content.decode()
    assert 'href="/audit/?actor=a">Continue without one for now' in shown
    second = client.get("/audit/?actor=a", **BROWSER)
    assert second.status_code == 200
    assert "A second factor is required of everybody" in second.content.decode()
    assert signed_in(operator).get("/audit/", **BROWSER).status_code == 303


def test_way_on_stays_in_the_console(enrolled: User, operator: User, signed_in: SignedIn) -> None:
    """`next` of another site is not linked."""
    services.require_second_factor(acting(enrolled), True, 1, grace_days=7)
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"):
        shown = signed_in(operator).get("/accounts/2fa/", {"next": elsewhere}).content.decode()
        assert 'href="/">Continue without one for now' in shown


def test_after_the_grace_period_only_the_set_up_is_left(enrolled: User, operator: User, signed_in: SignedIn) -> None:
    """The period's end blocks by itself, pages and API tokens alike."""
    services.require_second_factor(acting(enrolled), True, 1, grace_days=1)
    token = ApiToken(user=operator, name="ci", key="k", token_hash="h", role=operator.role, scopes=[])
    token.expires_at = timezone.now() + timedelta(days=9)
    token.save()
    client = signed_in(operator)
    assert client.get("/audit/").status_code == 200
    tokens.require_second_factor(queries.tokens().get())
    Policy.objects.update(grace_until=timezone.now() - timedelta(seconds=1))
    assert client.get("/audit/").headers["Location"] == "/accounts/2fa/"
    with pytest.raises(tokens.SecondFactorMissing):
        tokens.require_second_factor(queries.tokens().get())
    assert signed_in(enrolled).get("/audit/").status_code == 200


def test_requiring_it_is_undone_by_the_toast(enrolled: User, signed_in: SignedIn) -> None:
    """The toast's Undo is a POST without a body; a second click finds nothing left to revert."""
    client = signed_in(enrolled)
    done = client.post(REQUIRE, {"version": 1, "grace_days": 3, "reason": "audit"}, **HTMX)
    undo = f"/audit/{Entry.objects.latest('id').pk}/revert/"
    assert undo in done.headers["HX-Trigger"]
    assert queries.second_factor_rule().in_grace
    assert client.post(undo, **HTMX).status_code == 204
    assert not queries.second_factor_rule().required
    assert Policy.objects.get().grace_until is None
    assert client.post(undo, **HTMX).status_code == 422


def test_making_it_optional_is_undone_to_the_same_grace_period(enrolled: User, signed_in: SignedIn) -> None:
    """Undo brings back the end that was set, not a new period."""
    services.require_second_factor(acting(enrolled), True, 1, grace_days=3)
    until = queries.second_factor_rule().grace_until
    assert until is not None
    client = signed_in(enrolled)
    client.post(OPTIONAL, {"version": 2}, **HTMX)
    assert not queries.second_factor_rule().required
    client.post(f"/audit/{Entry.objects.latest('id').pk}/revert/", **HTMX)
    again = queries.second_factor_rule().grace_until
    assert again is not None and abs(again - until) < timedelta(milliseconds=1)


def test_undo_cannot_block_an_admin_without_a_factor(enrolled: User, signed_in: SignedIn) -> None:
    """The way back asks the same of the admin as the way there."""
    services.require_second_factor(acting(enrolled), True, 1, grace_days=0)
    entry = services.require_second_factor(acting(enrolled), False, 2)
    other = make_person(Role.ADMIN, "second")
    assert signed_in(other).post(f"/audit/{entry.pk}/revert/", **HTMX).status_code == 422
    assert not queries.second_factor_rule().required


def test_operator_cannot_revert_the_policy(enrolled: User, operator: User, signed_in: SignedIn) -> None:
    """The revert page is open to operators; the policy is the admins'."""
    entry = services.require_second_factor(acting(enrolled), True, 1, grace_days=7)
    assert signed_in(operator).post(f"/audit/{entry.pk}/revert/", **HTMX).status_code == 403


def test_unknown_grace_period_is_refused(enrolled: User) -> None:
    """A period is one of those that are offered."""
    with pytest.raises(InvalidInput, match="one of 0, 1, 3, 7, 14, 30"):
        services.require_second_factor(acting(enrolled), True, 1, grace_days=365)


def test_giving_up_the_own_admin_role_asks_first(admin: User, signed_in: SignedIn) -> None:
    """The other click that shuts an admin out by mistake: another person's role changes at once, one's own asks."""
    make_person(Role.ADMIN, "second")
    client, sent = signed_in(admin), {"role": "viewer", "version": 1, "reason": ""}
    path = f"/access/{admin.pk}/role/"
    asked = client.post(path, sent).content.decode()
    assert "Give up your own admin role?" in asked
    admin.refresh_from_db()
    assert admin.role == Role.ADMIN
    assert client.post(path, sent | {"confirmed": "1"}).status_code == 303
    admin.refresh_from_db()
    assert admin.role == Role.VIEWER
