"""API tokens: what they look like, and whether one that was sent still works."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from ops_client.addresses import limited_as
from ops_console.access import queries
from ops_console.access.actor import Actor
from ops_console.access.models import ApiToken
from ops_console.access.roles import reaches
from ops_console.audit.services import Target, record_bounded
from ops_console.errors import NotAllowed, NotAuthenticated

USED_EVERY = timedelta(minutes=10)
MOST_ADDRESSES = 50
_FORM = re.compile(r"opsc_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NO_HASH = hashlib.sha256(b"").hexdigest()
UNKNOWN = "There is no such token. Send one from the page API tokens, as `Authorization: Bearer opsc_...`."


class SecondFactorMissing(NotAllowed):
    """The token is good, but its person may not work before they have set up a second factor."""

    code = "second_factor_missing"


@dataclass(frozen=True)
class Drawn:
    """A new token: shown once, kept as `token_hash`. `key` is the part that may be seen."""

    text: str
    key: str
    token_hash: str


def draw() -> Drawn:
    """A token that nobody has: 48 random bits to find it by, 256 that prove it."""
    key = secrets.token_hex(6)
    text = f"opsc_{key}_{secrets.token_urlsafe(32)}"
    return Drawn(text, key, _hash(text))


def key_of(text: str) -> str:
    """The part of a sent token that may be seen; "" when it is none of ours."""
    found = _FORM.fullmatch(text)
    return found[1] if found else ""


def working(text: str) -> ApiToken:
    """The token with its person, if it works now. One query; takes the same time whether the secret is near or far.

    Raises NotAuthenticated; why a token has ended is told only to who holds its secret.
    """
    token = queries.tokens().filter(key=key_of(text)).first()
    proven = hmac.compare_digest(token.token_hash if token else _NO_HASH, _hash(text))
    if token is None or not proven:
        raise NotAuthenticated(UNKNOWN)
    ended = ending(token)
    if ended:
        raise NotAuthenticated(f"The token {token.name} does not work any more: {ended}.")
    return token


def require_second_factor(token: ApiToken) -> None:
    """Let through whose person may work. A token made earlier is no way round a factor that is required now.

    `token` is one of `queries.tokens()`. Raises SecondFactorMissing.
    """
    if token.waits:  # type: ignore[attr-defined]
        raise SecondFactorMissing(
            f"This console asks a second factor of everybody, and {token.user.username} has none. "
            "Sign in and set one up; the token then works as it is."
        )


def ending(token: ApiToken) -> str:
    """Why a token does not work, "" while it does. Its person's role and account count now, not as they once were."""
    if token.revoked_at:
        return "it was revoked"
    if token.expires_at <= timezone.now():
        return "it has expired"
    if not token.user.is_active:
        return f"{token.user.username} is deactivated"
    if not reaches(token.user.role, token.role):
        return f"it acts as {token.role}, and {token.user.username} is {token.user.role} now"
    return ""


def note_use(token: ApiToken) -> None:
    """Keep when a token was last used, to the nearest ten minutes."""
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def note_address(token: ApiToken, actor: Actor) -> None:
    """Record the first use of a token from an address that is not among the last MOST_ADDRESSES."""
    address = limited_as(actor.address or "unknown")
    if address in token.addresses:
        return
    with transaction.atomic():
        row = ApiToken.objects.select_for_update(no_key=True).get(pk=token.pk)
        if address in row.addresses:
            return
        row.addresses = [address, *row.addresses][:MOST_ADDRESSES]
        row.save(update_fields=["addresses"])
        target = Target("token", str(token.pk), f"{token.name} ({token.user.username})")
        record_bounded(actor, "token.new_address", target, str(token.pk), {"address": address})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
