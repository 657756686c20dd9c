"""Sessions whose table holds no key that could be sent as a cookie: a session is found by the hash of its cookie."""

import hashlib

from django.conf import settings
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string

_COOKIE_LENGTH = 32


class SessionStore(DatabaseStore):
    """`session_key` is the hash, as every table has it; `cookie` is what the browser holds, where that is known."""

    cookie: str | None = None

    @classmethod
    def of_cookie(cls, cookie: str | None) -> "SessionStore":
        """The session of a request, which may be none, or one that has ended."""
        store = cls(key_of(cookie) if cookie else None)
        store.cookie = cookie
        return store

    def _get_new_session_key(self) -> str:
        while True:
            cookie = get_random_string(_COOKIE_LENGTH, VALID_KEY_CHARS)
            if not self.exists(key_of(cookie)):
                self.cookie = cookie
                return key_of(cookie)


class HashedSessionMiddleware(SessionMiddleware):
    """Django's, but for the cookie's value."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = SessionStore.of_cookie(request.COOKIES.get(settings.SESSION_COOKIE_NAME))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        answered = super().process_response(request, response)
        sent = answered.cookies.get(settings.SESSION_COOKIE_NAME)
        if sent is not None and sent.value and isinstance(request.session, SessionStore):
            sent.set(sent.key, request.session.cookie or "", request.session.cookie or "")
        return answered


def key_of(cookie: str) -> str:
    """What the table holds for a cookie: as much of its SHA-256 as the column takes, 160 bits."""
    return hashlib.sha256(cookie.encode(errors="surrogateescape")).hexdigest()[:40]
