"""Every change of API tokens: permission, change and audit entry in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from ops_client.text import name_problem
from ops_console.access import scopes as known_scopes
from ops_console.access import tokens
from ops_console.access.actor import Actor, require_recent_proof
from ops_console.access.models import ApiToken, User
from ops_console.access.roles import Role, reaches
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import InvalidInput, NotAllowed, NotFound

DAYS = 90
MOST_DAYS = 366
_RECORDED = ("name", "key", "role", "scopes", "expires_at", "revoked_at")


@dataclass(frozen=True)
class NewToken:
    """A token and its text, which is shown once and kept nowhere."""

    token: ApiToken
    text: str


@transaction.atomic
def create(actor: Actor, name: str, role: str, scopes: Iterable[str], days: int = DAYS) -> NewToken:
    """A token for oneself, up to one's own role, on the web only: a token makes no tokens.

    Raises InvalidInput naming the field, NotAllowed.
    """
    user = _owner(actor)
    name = name.strip()
    if not name or len(name) > 100:
        raise InvalidInput("name", "A token needs a name of 1 to 100 characters: what uses it, and where.")
    if problem := name_problem(name):
        raise InvalidInput("name", f"This name {problem}.")
    if role not in Role.values or not reaches(user.role, role):
        raise InvalidInput("role", f"A token acts as its person's role at most; yours is {user.role}.")
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput("days", f"A token ends after 1 to {MOST_DAYS} days.")
    drawn = tokens.draw()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        key=drawn.key,
        token_hash=drawn.token_hash,
        role=role,
        scopes=known_scopes.checked(scopes, role),
        expires_at=timezone.now() + timedelta(days=days),
    )
    record(actor, "token.create", target_of(token), after=recorded(token))
    return NewToken(token, drawn.text)


@transaction.atomic
def revoke(actor: Actor, token_id: int, reason: str = "") -> ApiToken:
    """End a token at once: one's own, or as an admin anybody's. Revoking it twice changes nothing."""
    token = reachable(actor, token_id, lock=True)
    if token.revoked_at is None:
        before = recorded(token)
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(actor, "token.revoke", target_of(token), before=before, after=recorded(token), reason=reason)
    return token


def reachable(actor: Actor, token_id: int, lock: bool = False) -> ApiToken:
    """A token that the actor may end: their own, or as an admin any. Raises NotFound."""
    found = ApiToken.objects.select_related("user").filter(pk=token_id)
    token = (found.select_for_update(of=("self",)) if lock else found).first()
    if token is None or (token.user_id != actor.user_id and not reaches(actor.role, Role.ADMIN)):
        raise NotFound("There is no such token of yours.")
    return token


def target_of(token: ApiToken) -> Target:
    return Target("token", str(token.pk), f"{token.name} ({token.user.username})")


def recorded(token: ApiToken) -> dict[str, Any]:
    """What the audit keeps of a token: never its hash."""
    return {"person": token.user.username, **snapshot(token, _RECORDED)}


def _owner(actor: Actor) -> User:
    require_recent_proof(actor, Role.VIEWER)
    user = User.objects.filter(pk=actor.user_id or 0, is_active=True).first()
    if user is None or actor.via != "web":
        raise NotAllowed("Tokens are made by people, on the page API tokens.")
    return user
