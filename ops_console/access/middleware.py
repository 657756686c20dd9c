"""Every page is closed until it says otherwise: reading needs a viewer, anything else an operator."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from ops_console.access.roles import Role, reaches

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def role_required(role: Role) -> Callable[[View], View]:
    """Mark a view as open to `role` and above, for every method."""

    def mark(view: View) -> View:
        view.required_role = role  # type: ignore[attr-defined]
        return view

    return mark


class NoStoreMiddleware(MiddlewareMixin):
    """Keeps pages, downloads and answers out of the caches of browsers and proxies, unless a view says otherwise.

    After a sign-out the back button of the browser must not show them to the next user (ASVS 5.0, 14.3.2).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class RoleMiddleware:
    """Refuses, before the view runs, whoever's role does not reach what the view or its method needs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if not request.user.is_authenticated or not getattr(view, "login_required", True):
            return
        needed = _needed(view, request.method or "")
        role = getattr(request.user, "role", "")
        if not reaches(role, needed):
            raise PermissionDenied(f"This needs the role {needed.label.lower()}; yours is {role}. Ask an admin.")


def _needed(view: Callable[..., Any], method: str) -> Role:
    # Django marks the views of its admin so.
    if hasattr(view, "admin_site") or hasattr(view, "model_admin"):
        return Role.ADMIN
    # Everybody may sign out and care for their own password and second factor: allauth's pages do only that.
    own_account = view.__module__.startswith("allauth.")
    default = Role.VIEWER if own_account or method in SAFE_METHODS else Role.OPERATOR
    return getattr(view, "required_role", default)
