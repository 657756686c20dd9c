"""Who acts, and through which door: what every service takes first and every audit entry records."""

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest

from ops_console.access.models import User
from ops_console.access.roles import Role


@dataclass(frozen=True)
class Actor:
    """A person or the console itself. `via` is web, api, admin, cli or system.

    `credential` is what stood for the person where they did not sign in: the API token's name, the shell's user.
    """

    name: str
    role: str
    via: str
    user_id: int | None = None
    address: str | None = None
    request_id: str = ""
    credential: str = ""


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
    )


def client_address(request: HttpRequest) -> str | None:
    """The peer's address, or what the outermost proxy of ours (settings.TRUSTED_PROXIES) saw."""
    from django.conf import settings

    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    trusted: int = settings.TRUSTED_PROXIES
    if trusted and len(forwarded) >= trusted:
        return forwarded[-trusted]
    return request.META.get("REMOTE_ADDR") or None
