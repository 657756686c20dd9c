"""When a session was last used, from where and with what; one that nobody has used for long is ended.

Written once a minute, not with every page.
"""

from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

from ops_console.web.failures import without_database

EVERY = timedelta(minutes=1)
# Sent by our own scripts with what an open page asks for by itself.
AUTOMATIC_HEADER = "X-Automatic"


class SessionActivityMiddleware(UserSessionsMiddleware):
    """allauth's, but one look where nothing new is to be written.

    It is the first to ask the database at each request, and so it answers where there is none: raised from here, the
    error would pass middlewares that ask again, each for as long as a request may wait, and log a traceback each time.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            session = _session_of(request) if request.user.is_authenticated else None
            if session and (reason := _ended(session)):
                logout(request)
                messages.info(request, reason)
                return self.get_response(request)
        except (OperationalError, InterfaceError) as error:
            # Who it is stays unknown: the log of requests would ask for it.
            request.user = AnonymousUser()
            return without_database(request, error)
        return self.get_response(request) if session and _is_noted(request, session) else super().__call__(request)


def _session_of(request: HttpRequest) -> UserSession | None:
    """What is known of this session; None at its first request. The database's clock judges its times."""
    held = UserSession.objects.filter(session_key=request.session.session_key, user_id=request.user.pk)
    return held.annotate(
        is_idle=_before("last_seen_at", timedelta(minutes=settings.SESSION_IDLE_MINUTES)),
        is_over=_before("created_at", timedelta(seconds=settings.SESSION_COOKIE_AGE)),
        is_due=_before("last_seen_at", EVERY),
    ).first()


def _before(column: str, ago: timedelta) -> ExpressionWrapper:
    return ExpressionWrapper(Q(**{f"{column}__lt": Now() - ago}), output_field=BooleanField())


def _ended(session: Any) -> str:
    """Why a session is over, or ""."""
    if session.is_idle:
        return f"You were signed out after {settings.SESSION_IDLE_MINUTES} minutes without activity."
    if session.is_over:
        return f"You were signed out: a session lasts {settings.SESSION_COOKIE_AGE // 3600} hours."
    return ""


def _is_noted(request: HttpRequest, session: Any) -> bool:
    """Whether this request tells nothing new of its session: same address, same browser, and no new activity."""
    browser = request.META.get("HTTP_USER_AGENT", "")[: UserSession._meta.get_field("user_agent").max_length]
    if (session.ip, session.user_agent) != (get_adapter().get_client_ip(request), browser):
        return False
    return _is_automatic(request) or not session.is_due


def _is_automatic(request: HttpRequest) -> bool:
    """Whether an open page asks by itself: that its user is still there does not follow."""
    return AUTOMATIC_HEADER in request.headers or "text/event-stream" in request.headers.get("Accept", "")
