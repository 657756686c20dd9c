"""What people do to their own account on allauth's pages goes into the audit; sign-ins go into the log."""

import logging
from typing import Any

from allauth.account.signals import password_changed
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from ops_console.access.actor import actor_of, client_address
from ops_console.access.models import User
from ops_console.access.services import target_of
from ops_console.audit.services import record

logger = logging.getLogger(__name__)


@receiver(password_changed)
def _password(request: HttpRequest, user: User, **_: Any) -> None:
    record(actor_of(request), "person.change_password", target_of(user))


@receiver(authenticator_added)
def _added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(actor_of(request), "person.add_second_factor", target_of(user), after=_described(authenticator))


@receiver(authenticator_removed)
def _removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(actor_of(request), "person.remove_second_factor", target_of(user), before=_described(authenticator))


@receiver(authenticator_reset)
def _reset(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(actor_of(request), "person.new_recovery_codes", target_of(user), after=_described(authenticator))


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    logger.info("%s signed in from %s", user.username, client_address(request))


@receiver(user_login_failed)
def _failed(request: HttpRequest | None = None, **_: Any) -> None:
    logger.warning("A sign-in failed from %s", client_address(request) if request else "nowhere")


def _described(authenticator: Authenticator) -> dict[str, str]:
    """What a second factor is; never its secret."""
    return {"second_factor": authenticator.get_type_display()}
