"""One-time links: a random token that only its receiver holds; the database keeps its hash."""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from ops_console.access.models import OneTimeLink, User
from ops_console.errors import NotFound

LIFETIME = {OneTimeLink.Kind.INVITATION: timedelta(days=3), OneTimeLink.Kind.RESET: timedelta(hours=24)}
GONE = "This link has expired or has been used. Ask an admin of the console for a new one."


def issue(user: User, kind: OneTimeLink.Kind) -> str:
    """Make a link for somebody and return its token; links made for them before stop working."""
    token = secrets.token_urlsafe(32)
    withdraw(user)
    OneTimeLink.objects.create(
        user=user, kind=kind, token_hash=_hash(token), expires_at=timezone.now() + LIFETIME[kind]
    )
    return token


def withdraw(user: User) -> None:
    """Make every unused link of somebody's useless."""
    OneTimeLink.objects.filter(user=user, used_at=None).delete()


def find(token: str) -> OneTimeLink:
    """The link that still works under this token. Raises NotFound."""
    return _found(_working().filter(token_hash=_hash(token)))


def opened(link_id: int | None) -> OneTimeLink:
    """The link that this session has opened, while it works. Raises NotFound."""
    return _found(_working().filter(pk=link_id or 0))


def use(link_id: int) -> OneTimeLink:
    """Take the link for good, inside a transaction: of two who come at once, one gets it. Raises NotFound."""
    link = _found(_working().filter(pk=link_id).select_for_update())
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    return link


def _working() -> QuerySet[OneTimeLink]:
    return OneTimeLink.objects.filter(used_at=None, expires_at__gt=timezone.now(), user__is_active=True).select_related(
        "user"
    )


def _found(links: QuerySet[OneTimeLink]) -> OneTimeLink:
    link = links.first()
    if link is None:
        raise NotFound(GONE)
    return link


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
