"""Every change of who may use the console: permission, lock, change, audit, in one transaction."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, transaction
from django.utils import timezone

from ops_client.json_types import same_json
from ops_console.access import links
from ops_console.access.actor import Actor, require_recent_proof
from ops_console.access.models import ApiToken, OneTimeLink, Policy, User
from ops_console.access.queries import has_second_factor
from ops_console.access.roles import Role
from ops_console.audit.models import Entry
from ops_console.audit.revert import taken_back
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import Conflict, InvalidInput, NotFound
from ops_console.live import publish_sign_out

KEPT = ("username", "email", "role", "is_active")
POLICY_FIELDS = ("require_second_factor", "grace_until")
GRACE_DAYS = (0, 1, 3, 7, 14, 30)
DEFAULT_GRACE_DAYS = 7
OWN_FACTOR_FIRST = (
    "You have no second factor yourself, so this would block you too. Set one up first: your menu, Second factor."
)
LAST_ADMIN = "This is the last active admin. Make somebody else an admin first."


@dataclass(frozen=True)
class Issued:
    """A person and the token of a link for them. The token is shown once and kept nowhere."""

    user: User
    token: str
    kind: OneTimeLink.Kind


def target_of(user: User) -> Target:
    return Target("person", str(user.pk), user.username)


@transaction.atomic
def invite(actor: Actor, username: str, email: str, role: str) -> Issued:
    """Add a person who can do nothing until they set a password by the link. Raises InvalidInput, NotAllowed."""
    require_recent_proof(actor, Role.ADMIN)
    user = User(username=username.strip(), email=email.strip(), role=_known(role))
    user.set_unusable_password()
    _validated(user)
    user.save()
    record(actor, "person.invite", target_of(user), after=snapshot(user, KEPT))
    return _issued(user, OneTimeLink.Kind.INVITATION)


@transaction.atomic
def change_role(actor: Actor, user_id: int, role: str, version: int, reason: str = "") -> User:
    """Give a role. Raises InvalidInput for the last admin, Conflict when somebody else was faster."""
    require_recent_proof(actor, Role.ADMIN)
    user = _locked(user_id)
    _compare(user, version, {"role": role})
    return _change(actor, user, "person.change_role", {"role": _known(role)}, reason)


@transaction.atomic
def deactivate(actor: Actor, user_id: int, version: int, reason: str = "") -> User:
    """Shut somebody out at once: sessions, links, API tokens end. Raises InvalidInput for the last admin, Conflict."""
    require_recent_proof(actor, Role.ADMIN)
    user = _locked(user_id)
    _compare(user, version, {"is_active": False})
    shut_out(user)
    return _change(actor, user, "person.deactivate", {"is_active": False}, reason)


@transaction.atomic
def reactivate(actor: Actor, user_id: int, version: int, reason: str = "") -> User:
    """Let somebody in again, with the password and the role that they had. Raises Conflict."""
    require_recent_proof(actor, Role.ADMIN)
    user = _locked(user_id)
    _compare(user, version, {"is_active": True})
    return _change(actor, user, "person.reactivate", {"is_active": True}, reason)


@transaction.atomic
def make_link(actor: Actor, user_id: int) -> Issued:
    """A new link: an invitation while no password is set, a reset after. The old password works until it is used."""
    require_recent_proof(actor, Role.ADMIN)
    user = _locked(user_id)
    if not user.is_active:
        raise InvalidInput("user", f"{user.username} is deactivated: reactivate them first.")
    kind = OneTimeLink.Kind.RESET if user.has_usable_password() else OneTimeLink.Kind.INVITATION
    record(actor, f"person.{kind}_link", target_of(user))
    return _issued(user, kind)


@transaction.atomic
def set_password_by_link(link_id: int, password: str, address: str | None, request_id: str = "") -> User:
    """Use up a link and set the password. Raises NotFound for a dead link, InvalidInput for a weak password."""
    link = links.use(link_id)
    user = _locked(link.user_id)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput("password1", " ".join(error.messages)) from error
    user.set_password(password)
    user.save(update_fields=["password"])
    end_sessions(user)
    _revoke_tokens(user)
    actor = Actor(user.username, user.role, "web", user.pk, address, request_id)
    record(actor, "person.set_password", target_of(user), after={"by": OneTimeLink.Kind(link.kind).label.lower()})
    return user


@transaction.atomic
def sign_out_everywhere(actor: Actor, user_id: int) -> int:
    """End every session and API token of somebody's; an admin may do it for others. Returns how many sessions."""
    require_recent_proof(actor, Role.VIEWER if actor.user_id == user_id else Role.ADMIN)
    user = _locked(user_id)
    ended, revoked = end_sessions(user), _revoke_tokens(user)
    before, after = {"sessions": ended, "tokens": revoked}, {"sessions": 0, "tokens": 0}
    record(actor, "person.sign_out_everywhere", target_of(user), before=before, after=after)
    return ended


@transaction.atomic
def remove_second_factors(actor: Actor, user_id: int, reason: str = "") -> User:
    """For somebody who has lost their telephone: all second factors go, and all sessions."""
    require_recent_proof(actor, Role.ADMIN)
    user = _locked(user_id)
    factors = Authenticator.objects.filter(user=user)
    before = {"second_factors": sorted(factors.values_list("type", flat=True))}
    factors.delete()
    end_sessions(user)
    after: dict[str, Any] = {"second_factors": []}
    record(actor, "person.remove_second_factors", target_of(user), before=before, after=after, reason=reason)
    return user


@transaction.atomic
def require_second_factor(
    actor: Actor, required: bool, version: int, reason: str = "", grace_days: int = DEFAULT_GRACE_DAYS
) -> Entry:
    """Require a second factor of everybody after `grace_days`, or make it optional.

    Raises InvalidInput for an admin who has none (nobody blocks themselves) and for an unknown grace period, Conflict.
    """
    require_recent_proof(actor, Role.ADMIN)
    if grace_days not in GRACE_DAYS:
        raise InvalidInput("grace_days", f"A grace period is one of {', '.join(map(str, GRACE_DAYS))} days.")
    policy = _locked_policy()
    _compare(policy, version, {"require_second_factor": required})
    grace_until = timezone.now() + timedelta(days=grace_days) if required and grace_days else None
    values = {"require_second_factor": required, "grace_until": grace_until}
    return _change_policy(actor, policy, "access.require_second_factor", values, reason)


@transaction.atomic
def revert_policy(actor: Actor, entry: Entry, reason: str = "", typed_name: str = "") -> Policy:
    """Set the policy back to what it was before an entry. Raises as ops_console.audit.revert.revert."""
    require_recent_proof(actor, Role.ADMIN)
    policy = _locked_policy()
    values = taken_back(entry, policy, POLICY_FIELDS)
    _change_policy(actor, policy, "access.revert_policy", values, reason)
    return policy


def shut_out(user: User) -> None:
    """End the sessions, links and tokens of somebody who is deactivated, inside the change's transaction."""
    links.withdraw(user)
    _revoke_tokens(user)
    end_sessions(user)


def end_sessions(user: User, but: str | None = None) -> int:
    """Sign somebody out of every session but one. Returns how many there were."""
    sessions = list(UserSession.objects.filter(user=user).exclude(session_key=but or ""))
    for session in sessions:
        session.end()
    publish_sign_out(user.pk)
    return len(sessions)


def keep_an_admin(user: User) -> None:
    """Raise InvalidInput when no active admin with a password is left but `user`, who is about to be one no more."""
    admins = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk").select_for_update()
    others = [admin for admin in admins if admin.pk != user.pk and _can_sign_in(admin)]
    if not others:
        raise InvalidInput("role", LAST_ADMIN)


def _issued(user: User, kind: OneTimeLink.Kind) -> Issued:
    return Issued(user, links.issue(user, kind), kind)


def _can_sign_in(user: User) -> bool:
    return not user.password.startswith(UNUSABLE_PASSWORD_PREFIX)


def _change(actor: Actor, user: User, action: str, values: dict[str, Any], reason: str) -> User:
    before = snapshot(user, KEPT)
    loses = values.get("role", user.role) != Role.ADMIN or not values.get("is_active", user.is_active)
    if user.role == Role.ADMIN and user.is_active and loses:
        keep_an_admin(user)
    for name, value in values.items():
        setattr(user, name, value)
    if same_json(before, snapshot(user, KEPT)):
        return user
    user.version += 1
    user.save()
    record(actor, action, target_of(user), before=before, after=snapshot(user, KEPT), reason=reason)
    return user


def _locked_policy() -> Policy:
    Policy.objects.get_or_create(pk=1)
    return Policy.objects.select_for_update().get(pk=1)


def _change_policy(actor: Actor, policy: Policy, action: str, values: dict[str, Any], reason: str) -> Entry:
    if values.get("require_second_factor") and actor.user_id is not None:
        _require_own_factor(actor.user_id)
    before = snapshot(policy, POLICY_FIELDS)
    for name, value in values.items():
        setattr(policy, name, value)
    policy.version += 1
    policy.save()
    target = Target("access_policy", "1", "Second factor for everybody")
    return record(actor, action, target, before=before, after=snapshot(policy, POLICY_FIELDS), reason=reason)


def _require_own_factor(user_id: int) -> None:
    if not has_second_factor(User.objects.get(pk=user_id)):
        raise InvalidInput("second_factor", OWN_FACTOR_FIRST)


def _locked(user_id: int) -> User:
    # With all admins, in order: two who demote each other at once wait for one another, and one is refused.
    rows = User.objects.filter(models.Q(pk=user_id) | models.Q(role=Role.ADMIN)).order_by("pk").select_for_update()
    user = next((row for row in rows if row.pk == user_id), None)
    if user is None:
        raise NotFound("There is no such person in this console.")
    return user


def _compare(row: User | Policy, version: int, submitted: dict[str, Any]) -> None:
    if row.version != version:
        current = {"version": row.version, **snapshot(row, submitted)}
        target = target_of(row).key if isinstance(row, User) else ("access_policy", "1")
        message = "Somebody changed this while you were looking."
        raise Conflict(message, current, {"version": version, **submitted}, target)


def _known(role: str) -> str:
    if role not in Role.values:
        raise InvalidInput("role", f"A role is one of {', '.join(Role.values)}.")
    return role


def _validated(user: User) -> None:
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        # Of the table's own rules, only the one on mail addresses can be broken by what a person typed.
        raise InvalidInput("email" if field == NON_FIELD_ERRORS else field, " ".join(messages)) from error
    if not user.email:
        raise InvalidInput("email", "Give a mail address: it is how people sign in and are reached.")


def _revoke_tokens(user: User) -> int:
    return ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
