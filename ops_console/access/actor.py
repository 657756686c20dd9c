"""Who acts, and through which door: what every service takes first and every audit entry records."""

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest

from ops_client import addresses
from ops_console.access.models import User
from ops_console.access.roles import Role, require
from ops_console.access.step_up import is_reauthenticated
from ops_console.errors import ReauthenticationRequired


@dataclass(frozen=True)
class Actor:
    """A person or the console itself. `via` is web, api, admin, cli or system.

    `credential` is what stood for the person where they did not sign in: the API token's name, the shell's user.
    `is_reauthenticated` tells of a person in a browser whether they have proved lately who they are; `approval` is the
    change request that is being applied.
    """

    name: str
    role: str
    via: str
    user_id: int | None = None
    address: str | None = None
    request_id: str = ""
    credential: str = ""
    is_reauthenticated: bool = False
    approval: int | None = None


SYSTEM = Actor(name="console", role=Role.ADMIN, via="system")


def actor_of(request: HttpRequest, via: str = "web") -> Actor:
    """The signed-in person behind a request; the pages' middleware has refused everybody else."""
    user = cast(User, request.user)
    return Actor(
        name=user.get_username(),
        role=user.role,
        via=via,
        user_id=user.pk,
        address=client_address(request),
        request_id=getattr(request, "id", ""),
        is_reauthenticated=is_reauthenticated(request),
    )


def require_recent_proof(actor: Actor, role: Role) -> None:
    """Raise NotAllowed unless the role reaches, ReauthenticationRequired if a browser's last proof is too old.

    API tokens and the shell have no session that somebody could find open.
    """
    require(actor, role)
    if actor.via in ("web", "admin") and not actor.is_reauthenticated:
        raise ReauthenticationRequired("Confirm your password or passkey first: this change asks for a recent sign-in.")


def client_address(request: HttpRequest) -> str | None:
    """The address of whoever sent a request, behind `TRUSTED_PROXIES`; None where it is not known."""
    from django.conf import settings

    forwarded_for = request.headers.get("X-Forwarded-For", "")
    return addresses.client_address(forwarded_for, request.META.get("REMOTE_ADDR"), settings.TRUSTED_PROXIES)


def limited_address(request: HttpRequest) -> str:
    """What a request's address counts as in a limit; requests without one share a limit."""
    return addresses.limited_as(client_address(request) or "none")
