"""Slows down whoever guesses passwords, codes or links: by address and by account, on the shared cache.

With the cache away sign-in goes on unthrottled (nobody on call is locked out by a cache), and says so.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

from allauth.account.internal.stagekit import unstash_login
from django.conf import settings
from django.core.cache import cache
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from ops_client.text import is_storable
from ops_console.access.actor import client_address, limited_address
from ops_console.access.models import User
from ops_console.web.failures import respond
from ops_console.web.problems import Problem

logger = logging.getLogger(__name__)
UNTHROTTLED = "The cache cannot be reached: sign-in attempts are not being slowed down at the moment."
_GROUP = "sign_in"


def throttled(view: Callable[..., Any]) -> Callable[..., Any]:
    """Count each POST of a view that proves who somebody is; past the rate answer 429 with Retry-After."""

    @functools.wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        wait_seconds = throttle(request) if request.method == "POST" else 0
        return _refusal(request, wait_seconds) if wait_seconds else view(request, *args, **kwargs)

    return counted


def throttle(request: HttpRequest) -> int:
    """Count one attempt. The seconds to wait, or 0 to go on."""
    keys = [("address", limited_address(request)), ("account", account_of(request))]
    try:
        return max(_wait_seconds(request, kind, value) for kind, value in keys if value)
    except (RedisError, OSError) as error:
        logger.warning("%s (%s)", UNTHROTTLED, type(error).__name__)
        return 0


def cache_warning() -> str:
    """What to tell people while attempts are not counted; "" while all is well."""
    try:
        cache.get("ops:probe")
    except (RedisError, OSError):
        return UNTHROTTLED
    return ""


def account_of(request: HttpRequest) -> str:
    """The account an attempt is at: its id, however it was named; what was typed, if there is no such account."""
    if request.user.is_authenticated:
        return str(request.user.pk)
    pending = unstash_login(request, peek=True)
    if pending and pending.user:
        return str(pending.user.pk)
    typed = request.POST.get("login", "").strip().lower()
    if not typed or not is_storable(typed):
        return ""
    known = User.objects.filter(Q(username__iexact=typed) | Q(email__iexact=typed)).first()
    return str(known.pk) if known else f"unknown:{typed}"


def _wait_seconds(request: HttpRequest, kind: str, value: str) -> int:
    usage = get_usage(
        request, group=f"{_GROUP}:{kind}", key=lambda group, _: value, rate=settings.SIGN_IN_RATE, increment=True
    )
    return max(1, usage["time_left"]) if usage and usage["should_limit"] else 0


def _refusal(request: HttpRequest, wait_seconds: int) -> HttpResponse:
    logger.warning("Sign-in attempts throttled for %s", client_address(request))
    message = (
        f"There were too many attempts for this account or from this address. Try again in {wait_seconds} seconds."
    )
    return respond(request, Problem(429, "too_many", "Too many attempts", message, wait_seconds))
