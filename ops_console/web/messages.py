"""Django's messages, in a cookie with the prefix that the console's other cookies have."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class _Cookie(CookieStorage):
    cookie_name = f"{settings.COOKIE_PREFIX}messages"


class Storage(FallbackStorage):
    """In a cookie while they fit, in the session where they do not."""

    storage_classes = (_Cookie, SessionStorage)
