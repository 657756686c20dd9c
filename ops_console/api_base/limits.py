"""How often a token may call, and how often somebody may guess one: django-ratelimit on the shared cache.

With the cache away calls go on uncounted, and the log says so: nobody's automation stops for a cache.
"""

import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError

from ops_client.quotas import http
from ops_client.quotas.decide import Decision, Kind, Source
from ops_console.access.actor import client_address, limited_address
from ops_console.errors import TooMany

logger = logging.getLogger(__name__)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNCOUNTED = "The cache cannot be reached: calls of the API are not being counted at the moment (%s)"
# One address with many wrong keys; each key by itself is held to SIGN_IN_RATE.
_GUESSES_AN_ADDRESS = "100/m"


def count(request: HttpRequest, key: str) -> None:
    """Count one call of a token. Raises TooMany past its rate."""
    usage = _usage(request, "api:calls", key, settings.API_RATE, increment=True)
    if usage is None:
        return
    decision = _decision(usage, settings.API_RATE)
    request.api_decision = decision  # type: ignore[attr-defined]
    if not decision.allowed:
        wait_seconds = max(1, usage["time_left"])
        raise TooMany(
            f"This token has used up its rate ({settings.API_RATE}). Go on in {wait_seconds} s.", wait_seconds
        )


def headers(request: HttpRequest) -> dict[str, str]:
    """What is left of the token's rate, as every answer says it."""
    decision: Decision | None = getattr(request, "api_decision", None)
    return http.headers(decision) if decision else {}


def count_failure(request: HttpRequest, key: str) -> None:
    """Count a token that did not work. Raises TooMany where too many came from the address.

    A token that works is never refused for the others of its host: its secret cannot be guessed.
    """
    address = limited_address(request)
    logger.warning("A token did not work: %s from %s", key or "of another form", client_address(request))
    for group, value, rate in (
        ("api:guesses", f"{address} {key}", settings.SIGN_IN_RATE),
        ("api:guesses:address", address, _GUESSES_AN_ADDRESS),
    ):
        usage = _usage(request, group, value, rate, increment=True)
        if usage and usage["should_limit"]:
            wait_seconds = max(1, usage["time_left"])
            raise TooMany(f"Too many wrong tokens came from this address. Try again in {wait_seconds} s.", wait_seconds)


def _usage(request: HttpRequest, group: str, value: str, rate: str, increment: bool) -> dict[str, Any] | None:
    try:
        return get_usage(request, group=group, key=lambda *_: value, rate=rate, increment=increment)
    except (RedisError, OSError) as error:
        logger.warning(_UNCOUNTED, type(error).__name__)
        return None


def _decision(usage: dict[str, Any], rate: str) -> Decision:
    wait_seconds = max(1, usage["time_left"])
    return Decision(
        allowed=not usage["should_limit"],
        resource="token",
        kind=Kind.RATE,
        limit=usage["limit"],
        remaining=max(0, usage["limit"] - usage["count"]),
        source=Source.DEFAULT,
        policy=rate,
        reset_seconds=wait_seconds,
        retry_after_seconds=wait_seconds,
        retryable=True,
        window_seconds=_window_seconds(rate),
    )


def _window_seconds(rate: str) -> int:
    """The window of a rate in django-ratelimit's form: 60 of 600/m, 300 of 10/5m."""
    many, unit = rate.partition("/")[2][:-1], rate[-1:]
    return int(many or 1) * _SECONDS[unit]
