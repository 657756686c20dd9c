"""Who may use the console: invitations, roles, doors shut and opened."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from ops_console.access import links, services
from ops_console.access.models import OneTimeLink, User
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.console.conftest import acting, make_person

NEW_PASSWORD = "a quite different sentence"


def last_entry() -> Entry:
    return Entry.objects.latest("id")


def test_invited_person_can_do_nothing_before_the_link_is_used(admin: User) -> None:
    """An invitation makes a person without a password."""
    issued = services.invite(acting(admin), "ada", "ada@example.org", Role.OPERATOR)
    assert not issued.user.has_usable_password()
    assert (issued.user.role, last_entry().action) == (Role.OPERATOR, "person.invite")


def test_link_sets_a_password_once(admin: User) -> None:
    """The link works, and then works no more."""
    issued = services.invite(acting(admin), "ada", "ada@example.org", Role.VIEWER)
    link = links.find(issued.token)
    services.set_password_by_link(link.pk, NEW_PASSWORD, "192.0.2.7")
    assert User.objects.get(username="ada").check_password(NEW_PASSWORD)
    with pytest.raises(NotFound):
        services.set_password_by_link(link.pk, NEW_PASSWORD, "192.0.2.7")


def test_link_expires(admin: User) -> None:
    """After three days an invitation is gone."""
    issued = services.invite(acting(admin), "ada", "ada@example.org", Role.VIEWER)
    link = OneTimeLink.objects.get(user=issued.user)
    assert link.expires_at - timezone.now() > timedelta(days=2, hours=23)
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        links.find(issued.token)


def test_new_link_ends_the_one_before(admin: User, viewer: User) -> None:
    """Only the newest link works."""
    first = services.make_link(acting(admin), viewer.pk)
    second = services.make_link(acting(admin), viewer.pk)
    with pytest.raises(NotFound):
        links.find(first.token)
    assert links.find(second.token).user == viewer


def test_token_is_kept_nowhere(admin: User) -> None:
    """Neither the table nor the audit holds what would open the door."""
    issued = services.invite(acting(admin), "ada", "ada@example.org", Role.VIEWER)
    services.set_password_by_link(links.find(issued.token).pk, NEW_PASSWORD, "192.0.2.7")
    kept = repr(list(OneTimeLink.objects.values())) + repr(list(Entry.objects.values()))
    assert issued.token not in kept
    assert NEW_PASSWORD not in kept
    assert not re.search(r"pbkdf2|argon2|scrypt", kept)


def test_weak_password_leaves_the_link_usable(admin: User) -> None:
    """A refused password uses nothing up."""
    issued = services.invite(acting(admin), "ada", "ada@example.org", Role.VIEWER)
    with pytest.raises(InvalidInput, match="too short"):
        services.set_password_by_link(links.find(issued.token).pk, "short", None)
    assert links.find(issued.token).user == issued.user


def test_two_people_cannot_share_a_mail_address(admin: User) -> None:
    """A second invitation to an address names the field and says why, whatever the case of its letters."""
    services.invite(acting(admin), "ada", "ada@example.org", Role.VIEWER)
    with pytest.raises(InvalidInput) as refused:
        services.invite(acting(admin), "ada2", "ADA@example.org", Role.VIEWER)
    assert "email" in (refused.value.field + refused.value.message).lower()


def test_role_change_is_recorded_with_both_roles(admin: User, viewer: User) -> None:
    """A role grant stands in the audit, before and after."""
    services.change_role(acting(admin), viewer.pk, Role.OPERATOR, viewer.version, "on call this week")
    entry = last_entry()
    assert (entry.action, entry.before["role"], entry.after["role"]) == ("person.change_role", "viewer", "operator")
    assert (entry.reason, entry.actor) == ("on call this week", "admin")


def test_second_of_two_admins_sees_both_versions(admin: User, viewer: User) -> None:
    """Who edits what was changed meanwhile is told what stands and what they sent."""
    services.change_role(acting(admin), viewer.pk, Role.OPERATOR, viewer.version)
    with pytest.raises(Conflict) as refused:
        services.change_role(acting(admin), viewer.pk, Role.ADMIN, viewer.version)
    assert refused.value.current["role"] == "operator"
    assert refused.value.submitted["role"] == "admin"


def test_last_admin_cannot_be_demoted(admin: User) -> None:
    """Somebody must be left who can give roles."""
    with pytest.raises(InvalidInput, match="last active admin"):
        services.change_role(acting(admin), admin.pk, Role.VIEWER, admin.version)


def test_last_admin_cannot_be_deactivated(admin: User) -> None:
    """Nor be shut out."""
    with pytest.raises(InvalidInput, match="last active admin"):
        services.deactivate(acting(admin), admin.pk, admin.version)


def test_invited_admin_is_not_yet_one(admin: User) -> None:
    """An admin who never set a password cannot be the one who is left."""
    services.invite(acting(admin), "ada", "ada@example.org", Role.ADMIN)
    with pytest.raises(InvalidInput, match="last active admin"):
        services.deactivate(acting(admin), admin.pk, admin.version)


def test_admin_steps_down_when_another_is_there(admin: User) -> None:
    """With two admins one may go."""
    make_person(Role.ADMIN, "second")
    assert services.change_role(acting(admin), admin.pk, Role.VIEWER, admin.version).is_superuser is False


def test_deactivated_person_loses_their_links(admin: User, viewer: User) -> None:
    """Nobody comes back through a link made before."""
    issued = services.make_link(acting(admin), viewer.pk)
    services.deactivate(acting(admin), viewer.pk, viewer.version)
    with pytest.raises(NotFound):
        links.find(issued.token)


def test_operator_changes_nobody(operator: User, viewer: User) -> None:
    """Each service asks for the role admin itself."""
    actor = acting(operator)
    for refused in (
        lambda: services.invite(actor, "x", "x@example.org", Role.VIEWER),
        lambda: services.change_role(actor, viewer.pk, Role.ADMIN, 1),
        lambda: services.deactivate(actor, viewer.pk, 1),
        lambda: services.reactivate(actor, viewer.pk, 1),
        lambda: services.make_link(actor, viewer.pk),
        lambda: services.sign_out_everywhere(actor, viewer.pk),
        lambda: services.remove_second_factors(actor, viewer.pk),
        lambda: services.require_second_factor(actor, True, 1),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_unknown_role_is_refused(admin: User) -> None:
    """A role is one of three."""
    with pytest.raises(InvalidInput, match="viewer, operator, admin"):
        services.invite(acting(admin), "ada", "ada@example.org", "owner")
