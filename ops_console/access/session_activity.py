"""When a session was last seen, from where and with what: written once a minute, not with every page and refresh."""

from datetime import timedelta

from allauth.account.adapter import get_adapter
from allauth.usersessions.middleware import UserSessionsMiddleware
from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

EVERY = timedelta(minutes=1)


class SessionActivityMiddleware(UserSessionsMiddleware):
    """allauth's, but one look where nothing new is to be written."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and _seen_lately(request):
            return self.get_response(request)
        return super().__call__(request)


def _seen_lately(request: HttpRequest) -> bool:
    """Whether this session was seen within EVERY, from the same address and with the same browser."""
    return UserSession.objects.filter(
        session_key=request.session.session_key,
        user_id=request.user.pk,
        ip=get_adapter().get_client_ip(request),
        user_agent=request.META.get("HTTP_USER_AGENT", "")[: UserSession._meta.get_field("user_agent").max_length],
        last_seen_at__gt=timezone.now() - EVERY,
    ).exists()
