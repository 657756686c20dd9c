"""When a session was last seen, from where and with what: written once a minute, not with every page and refresh."""

from datetime import timedelta

from allauth.account.adapter import get_adapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ops_console.web.failures import without_database

EVERY = timedelta(minutes=1)


class SessionActivityMiddleware(UserSessionsMiddleware):
    """allauth's, but one look where nothing new is to be written.

    It is the first to ask the database at each request, and so it answers where there is none: raised from here, the
    error would pass middlewares that ask again, each for as long as a request may wait, and log a traceback each time.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            seen = request.user.is_authenticated and _seen_lately(request)
        except (OperationalError, InterfaceError) as error:
            # Who it is stays unknown: the log of requests would ask for it.
            request.user = AnonymousUser()
            return without_database(request, error)
        return self.get_response(request) if seen else super().__call__(request)


def _seen_lately(request: HttpRequest) -> bool:
    """Whether this session was seen within EVERY, from the same address and with the same browser."""
    return UserSession.objects.filter(
        session_key=request.session.session_key,
        user_id=request.user.pk,
        ip=get_adapter().get_client_ip(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[: UserSession._meta.get_field("user_agent").max_length],
        last_seen_at__gt=timezone.now() - EVERY,
    ).exists()
