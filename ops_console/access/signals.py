"""Sign-ins, failed ones, sign-outs and changed passwords go into the audit. Second factors: see own_account.py."""

import logging
from typing import Any

from allauth.account.signals import password_changed
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.signals import bind_extra_request_metadata
from structlog.contextvars import bind_contextvars, get_contextvars

from ops_console.access.actor import Actor, actor_of, client_address
from ops_console.access.models import User
from ops_console.access.queries import account_of
from ops_console.access.services import end_sessions, target_of
from ops_console.audit.services import Target, record, record_bounded
from ops_console.live import publish_sign_out

logger = logging.getLogger(__name__)


@receiver(bind_extra_request_metadata)
def _name(request: HttpRequest, **_: Any) -> None:
    """Log, audit and error pages show the same request id, which a client may have chosen, and the same address."""
    bind_contextvars(ip=client_address(request))
    request.id = str(get_contextvars().get("request_id", ""))[:64]  # type: ignore[attr-defined]


@receiver(password_changed)
def _password(request: HttpRequest, user: User, **_: Any) -> None:
    record(actor_of(request), "person.change_password", target_of(user))
    end_sessions(user, but=request.session.session_key)


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    logger.info("%s signed in from %s", user.username, client_address(request))
    _record(request, "person.sign_in", user)


@receiver(user_logged_out)
def _signed_out(request: HttpRequest | None = None, user: User | None = None, **_: Any) -> None:
    if user is not None:
        publish_sign_out(user.pk)
        _record(request, "person.sign_out", user)


@receiver(user_login_failed)
def _failed(request: HttpRequest | None = None, **_: Any) -> None:
    logger.warning("A sign-in failed from %s", client_address(request) if request else "nowhere")
    if request is not None:
        _record(request, "person.sign_in_failed", account_of(request.POST.get("login", "")))


@receiver(authentication_failed)
def _factor_failed(request: HttpRequest, user: User, **_: Any) -> None:
    _record(request, "person.second_factor_failed", user)


def _record(request: HttpRequest | None, action: str, user: User | None) -> None:
    """An entry about the account. A name that nobody has is not kept: people type passwords there."""
    if request is None or request.method is None:
        return  # a session that a test or a script made
    # Nobody has proven to be the account's person where it failed.
    name = user.username if user and not action.endswith("_failed") else "unknown"
    actor = Actor(
        name=name,
        role=user.role if user else "",
        via="web",
        user_id=user.pk if user and name != "unknown" else None,
        address=client_address(request),
        request_id=getattr(request, "id", ""),
    )
    target = target_of(user) if user else Target("person", "unknown", "Unknown account")
    record_bounded(actor, action, target, target.id)
