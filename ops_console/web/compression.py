"""Pages are compressed for browsers that accept gzip."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

# Pages of these URL names can show a one-time secret next to text from the query string.
_ACCOUNT_PAGES = ("account_", "mfa_")


class CompressionMiddleware(GZipMiddleware):
    """Compresses HTML only, and no page that can show a secret.

    BREACH: CSRF tokens are masked per response and Django pads the body by a random length, but a secret that stays
    the same (a recovery code) must not be compressed. Streams stay as they are: server-sent events would be buffered,
    and Django compresses each chunk of an async stream as a gzip member of its own, of which Chromium reads the first.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")
        if not is_page or _may_show_a_secret(request, response):
            return response
        answer: HttpResponseBase = super().process_response(request, response)
        return answer


def _may_show_a_secret(request: HttpRequest, response: HttpResponseBase) -> bool:
    if "no-store" in response.headers.get("Cache-Control", ""):
        return True
    match = request.resolver_match
    return bool(match and (match.url_name or "").startswith(_ACCOUNT_PAGES))
