"""Which scope a call needs. An operation that names none is refused to every token."""

from collections.abc import Callable

from django.http import HttpRequest

from ops_console.access.roles import Role, require
from ops_console.access.scopes import SCOPES, role_of
from ops_console.api_base.door import caller, token_of
from ops_console.errors import NotAllowed


class Needs:
    """ninja's `auth` of an operation: the token has this scope, and acts as at least this role."""

    def __init__(self, scope: str, role: Role) -> None:
        self.scope = scope
        self.role = role

    def __call__(self, request: HttpRequest) -> bool:
        if self.scope not in token_of(request).scopes:
            raise NotAllowed(f"This needs a token with the scope {self.scope}.")
        require(caller(request), self.role)
        return True


def needs(scope: str, role: Role | None = None) -> Needs:
    """`@router.get("/flags", auth=needs("flags:read"))`. `role` where the scope's own is not enough."""
    if scope not in SCOPES:
        raise ValueError(f"no scope {scope}: one of {', '.join(SCOPES)}")
    return Needs(scope, role or role_of(scope))


def closed(request: HttpRequest) -> bool:
    """The API's own `auth`, for an operation that names no scope."""
    raise NotAllowed("Nobody may call this: the operation names no scope.")


def any_token(request: HttpRequest) -> bool:
    """For what every token may read."""
    return bool(token_of(request))


Auth = Callable[[HttpRequest], bool]
