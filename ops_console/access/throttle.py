"""Rate limits for guessing passwords, codes and links, counted on the shared cache.

A password is counted by address, by address with account, and by account from anywhere. The last would let strangers
lock a person out, so a browser in which that person has signed in before is not held to it; nor are passkeys and links.
A second factor is counted by account, since that step needs the password.
With the cache away sign-in goes on unthrottled (nobody on call is locked out by a cache), and says so.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any, cast

from allauth.account.internal.stagekit import unstash_login
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from ops_client.text import is_storable
from ops_console.access.actor import client_address, limited_address
from ops_console.access.models import User
from ops_console.access.queries import account_of
from ops_console.web.failures import respond
from ops_console.web.problems import Problem

logger = logging.getLogger(__name__)
UNTHROTTLED = "The cache cannot be reached: sign-in attempts are not being slowed down at the moment."
_GROUP = "sign_in"
# The people who have signed in with this browser, signed. It proves no sign-in; it only spares the account's throttle.
DEVICE_COOKIE = "known_device"
_DEVICE_SECONDS = 180 * 24 * 3600
_MOST_PEOPLE = 5


def throttled(view: Callable[..., Any]) -> Callable[..., Any]:
    """Count each POST of a view that proves who somebody is; past the rate answer 429 with Retry-After."""

    @functools.wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        wait_seconds = throttle(request) if request.method == "POST" else 0
        if wait_seconds:
            return _refusal(request, wait_seconds)
        was_signed_in = request.user.is_authenticated
        response = view(request, *args, **kwargs)
        if request.user.is_authenticated and not was_signed_in:
            _remember_device(request, response)
        return response

    return counted


def throttle(request: HttpRequest) -> int:
    """Count one attempt. The seconds to wait, or 0 to go on."""
    address = limited_address(request)
    keys = [("address", address, settings.SIGN_IN_ADDRESS_RATE)]
    known = _proving(request)
    typed = request.POST.get("login", "").strip().lower()
    if known:
        keys.append(("proof", str(known.pk), settings.SIGN_IN_RATE))
    elif typed and is_storable(typed):
        user = account_of(typed)
        # However it was named; what was typed, where there is no such account.
        account = str(user.pk) if user else f"unknown:{typed}"
        keys.append(("address_account", f"{address} {account}", settings.SIGN_IN_RATE))
        if not user or not _knows_device(request, user):
            keys.append(("account", account, settings.SIGN_IN_ACCOUNT_RATE))
    try:
        return max(_wait_seconds(request, *key) for key in keys)
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


def _proving(request: HttpRequest) -> User | None:
    """Who proves once more that they are it: signed in, or past the password."""
    if request.user.is_authenticated:
        return request.user
    pending = unstash_login(request, peek=True)
    return cast(User, pending.user) if pending and pending.user else None


def _remember_device(request: HttpRequest, response: HttpResponse) -> None:
    user = cast(User, request.user)
    people = {str(user.pk): _mark_of(user)}
    people |= {pk: mark for pk, mark in _people_of(request).items() if pk != str(user.pk)}
    response.set_cookie(
        settings.COOKIE_PREFIX + DEVICE_COOKIE,
        signing.dumps(dict(list(people.items())[:_MOST_PEOPLE]), salt=DEVICE_COOKIE),
        max_age=_DEVICE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _knows_device(request: HttpRequest, user: User) -> bool:
    return constant_time_compare(_people_of(request).get(str(user.pk), ""), _mark_of(user))


def _people_of(request: HttpRequest) -> dict[str, str]:
    try:
        people = signing.loads(
            request.COOKIES.get(settings.COOKIE_PREFIX + DEVICE_COOKIE, ""), salt=DEVICE_COOKIE, max_age=_DEVICE_SECONDS
        )
    except signing.BadSignature:
        return {}
    return people if isinstance(people, dict) else {}


def _mark_of(user: User) -> str:
    """Changes with the password, so that a stolen cookie is worth nothing after a reset."""
    return user.get_session_auth_hash()[:32]


def _wait_seconds(request: HttpRequest, kind: str, value: str, rate: str) -> int:
    usage = get_usage(request, group=f"{_GROUP}:{kind}", key=lambda group, _: value, rate=rate, increment=True)
    return max(1, usage["time_left"]) if usage and usage["should_limit"] else 0


def _refusal(request: HttpRequest, wait_seconds: int) -> HttpResponse:
    logger.warning("Sign-in attempts throttled for %s", client_address(request))
    message = (
        f"There were too many attempts for this account or from this address. Try again in {wait_seconds} seconds, "
        "or at once with a passkey or in a browser in which you have signed in before."
    )
    return respond(request, Problem(429, "too_many", "Too many attempts", message, wait_seconds))
