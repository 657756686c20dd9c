"""Behind a proxy that ends TLS, a wrong setting makes every page redirect to itself: that is said instead."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ops_console.web.failures import respond
from ops_console.web.problems import Problem

logger = logging.getLogger(__name__)
_COOKIE = "https_redirects"
# A browser that was sent to https so often in so many seconds, and came back by http, is in a loop.
_MOST_REDIRECTS = 3
_SECONDS = 15
_TITLE = "HTTPS is not recognised"
_NO_PROXY = (
    "The proxy says that this request came by HTTPS, but the console trusts no proxy: TRUSTED_PROXIES is 0. "
    "Set it to the number of proxies in front of the console."
)
_NO_HEADER = (
    "The console redirects to HTTPS, and each time the request comes back as plain HTTP. If a proxy ends TLS, it must "
    "send X-Forwarded-Proto: https, and TRUSTED_PROXIES must be the number of proxies; it is {proxies}. "
    "Without TLS set HTTPS=0, which is for a loopback demo only."
)

_PLAIN_CALL = Problem(
    403,
    "https_required",
    "HTTPS is required",
    "This call came by plain HTTP. Call the API by https://, and replace the token that was sent.",
)


class HttpsLoopMiddleware:
    """Before Django's SecurityMiddleware, which redirects."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not settings.SECURE_SSL_REDIRECT or request.is_secure():
            return self.get_response(request)
        if not settings.TRUSTED_PROXIES and _came_by_https(request):
            return _explained(request, _NO_PROXY)
        if request.path.startswith("/api/"):
            # A redirect would hide that the token has crossed the network in clear (ASVS 5.0, 4.1.2).
            return respond(request, _PLAIN_CALL)
        before = _redirects(request)
        if before >= _MOST_REDIRECTS:
            return _explained(request, _NO_HEADER.format(proxies=settings.TRUSTED_PROXIES))
        response = self.get_response(request)
        if _is_redirect_to_https(response):
            # Without `secure`: it must come back by plain HTTP to be counted.
            response.set_cookie(_COOKIE, str(before + 1), max_age=_SECONDS, httponly=True, samesite="Lax")
        return response


def _came_by_https(request: HttpRequest) -> bool:
    forwarded = request.headers.get("Forwarded", "").replace(" ", "").lower()
    proto = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
    return proto == "https" or "proto=https" in forwarded


def _redirects(request: HttpRequest) -> int:
    said = request.COOKIES.get(_COOKIE, "")
    return int(said) if said in ("1", "2", "3") else 0


def _is_redirect_to_https(response: HttpResponseBase) -> bool:
    return response.status_code == 301 and response.headers.get("Location", "").startswith("https://")


def _explained(request: HttpRequest, message: str) -> HttpResponseBase:
    logger.error("Redirect loop: %s", message)
    response = respond(request, Problem(500, "https_not_recognised", _TITLE, message))
    response.headers["Cache-Control"] = "no-store"
    return response
