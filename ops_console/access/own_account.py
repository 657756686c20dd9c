"""What people do to their own account on allauth's pages: one transaction with its audit entry."""

import functools
from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.access.services import target_of
from ops_console.audit.services import record

# One person has a few; a script that signs in without end must not fill the page.
MOST_SESSIONS = 100


def audited(view: Callable[..., Any]) -> Callable[..., Any]:
    """Record what a view did to the second factors. allauth's own signals come after the commit: too late for that."""

    @functools.wraps(view)
    def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = request.user
        if not isinstance(user, User) or request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            before = second_factors(user)
            response = view(request, *args, **kwargs)
            after = second_factors(user)
            if before != after:
                record(actor_of(request), "person.change_second_factor", target_of(user), before=before, after=after)
        return response

    return watched


class _OwnSessions(ListUserSessionsView):  # allauth has no types
    """allauth's page, but for one query: allauth reads each session's own row."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super(ListUserSessionsView, self).get_context_data(**kwargs)
        lasting = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
        held = UserSession.objects.filter(user=self.request.user, session_key__in=lasting)
        sessions = list(held.order_by("-last_seen_at")[:MOST_SESSIONS])
        return context | {"sessions": sessions, "session_count": len(sessions)}


own_sessions = role_required(Role.VIEWER)(_OwnSessions.as_view())


def clearing_the_browser(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let the browser forget what scripts have stored: the addresses of actions that it watches."""

    @functools.wraps(view)
    def cleared(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"storage"'
        return response

    return cleared


def second_factors(user: User) -> dict[str, str]:
    """What somebody has, and since when; never a secret."""
    found = Authenticator.objects.filter(user=user).order_by("pk")
    return {_name(factor): factor.created_at.isoformat() for factor in found}


def _name(factor: Authenticator) -> str:
    kind = str(factor.get_type_display())
    return f"{kind}: {factor.wrap().name}" if factor.type == Authenticator.Type.WEBAUTHN else kind
