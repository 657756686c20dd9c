"""Sends people who lack a required second factor to the page that sets one up.

During the grace period once per session, as the first page after signing in; after it, instead of every other page.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from ops_console.access.queries import has_second_factor, second_factor_rule
from ops_console.web.pages import go, is_fragment

SET_UP = {
    "account_logout",
    "account_reauthenticate",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_reauthenticate_webauthn",
}
_ASKED = "second_factor_asked"


class SecondFactorMiddleware:
    """Runs after the role's check; pages that need no sign-in are not concerned."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not getattr(view, "login_required", True) or not request.user.is_authenticated:
            return None
        if _name(request) in SET_UP:
            return None
        rule = second_factor_rule()
        if not rule.required or has_second_factor(request.user):
            return None
        if not rule.in_grace:
            return go(request, reverse("mfa_index"))
        request.second_factor_due = rule.grace_until  # type: ignore[attr-defined]
        return None if request.session.get(_ASKED) or not _navigates(request) else _ask_once(request)


def _ask_once(request: HttpRequest) -> HttpResponse:
    request.session[_ASKED] = True
    return go(request, f"{reverse('mfa_index')}?{urlencode({'next': request.get_full_path()})}")


def _navigates(request: HttpRequest) -> bool:
    """Whether a browser opens a page: not a form, a fragment, an event stream or a download by a script."""
    return request.method == "GET" and not is_fragment(request) and "text/html" in request.headers.get("Accept", "")


def _name(request: HttpRequest) -> str:
    return request.resolver_match.url_name or "" if request.resolver_match else ""
