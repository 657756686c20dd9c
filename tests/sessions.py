"""What Django's test client needs for the console's sessions, which are found by the hash of their cookie."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest
from django.test.client import ClientMixin

from ops_console.access.models import User
from ops_console.access.sessions import SessionStore


def sign_in(client: Any, user: User, backend: str | None = None) -> None:
    """In place of `Client._login`: the session that a sign-in by password a moment ago has left behind."""
    request = HttpRequest()
    request.session = session_of(client)
    login(request, user, backend)
    record_authentication(request, user, method="password")
    request.session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.cookie


def session_of(client: ClientMixin) -> SessionStore:
    """In place of `Client.session`: the session of the client's cookie, or a new one."""
    sent = client.cookies.get(settings.SESSION_COOKIE_NAME)
    if sent and sent.value:
        return SessionStore.of_cookie(sent.value)
    store = SessionStore()
    store.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = store.cookie
    return store
