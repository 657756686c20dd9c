"""Changes that ask for a recent sign-in: who has found an open browser cannot make them."""

import functools
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from ops_console.web.pages import go


def is_reauthenticated(request: HttpRequest) -> bool:
    """Whether this session's person has proved who they are within ACCOUNT_REAUTHENTICATION_TIMEOUT (15 min)."""
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    return bool(records) and time.time() - records[-1]["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def reauthenticated(view: Callable[..., Any]) -> Callable[..., Any]:
    """Ask before a form is shown: its service would refuse what was typed into it. The service's check is the rule."""

    @functools.wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if is_reauthenticated(request):
            return view(request, *args, **kwargs)
        return reauthenticate(request)

    return asked


def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Send somebody to the page that asks for the password or passkey, and from there back to where they were."""
    came_from = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    path = came_from.path if came_from.netloc == request.get_host() else ""
    back = request.get_full_path() if request.method == "GET" and not request.headers.get("HX-Request") else path
    return go(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': back or '/'})}")
