"""A changed password goes into the audit, sign-ins go into the log. Second factors: see own_account.py."""

import logging
from typing import Any

from allauth.account.signals import password_changed
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog.signals import bind_extra_request_metadata
from structlog.contextvars import bind_contextvars, get_contextvars

from ops_console.access.actor import actor_of, client_address
from ops_console.access.models import User
from ops_console.access.services import end_sessions, target_of
from ops_console.audit.services import record
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


@receiver(user_logged_out)
def _signed_out(user: User | None = None, **_: Any) -> None:
    if user is not None:
        publish_sign_out(user.pk)


@receiver(user_login_failed)
def _failed(request: HttpRequest | None = None, **_: Any) -> None:
    logger.warning("A sign-in failed from %s", client_address(request) if request else "nowhere")
