"""The one door of the JSON API: every call brings a token, is counted, and hears of each failure in one form."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from ops_console.access import tokens
from ops_console.access.actor import Actor, client_address
from ops_console.access.models import ApiToken
from ops_console.api_base import limits, reading
from ops_console.errors import NotAcceptable, NotAuthenticated
from ops_console.web import problems
from ops_console.web.failures import failure, respond

View = Callable[..., HttpResponseBase]
_HEADER = "Send a token as `Authorization: Bearer opsc_...`. People make theirs on the page API tokens."


def guarded(view: View) -> View:
    """A view behind the door. It needs no session, and no session opens it: tokens alone do."""

    @functools.wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _enter(request)
            response = view(request, *args, **kwargs)
        except Exception as error:
            told = failure(request, error)
            if told is None:
                raise
            response = told
        return _leave(request, response)

    return login_not_required(csrf_exempt(entered))


def token_of(request: HttpRequest) -> ApiToken:
    """The token that a call came with; the door has refused every call without one."""
    token: ApiToken = request.api_token  # type: ignore[attr-defined]
    return token


def caller(request: HttpRequest) -> Actor:
    """The token's person as services take them: with the token's role, through the API, with the token's name."""
    token = token_of(request)
    return Actor(
        name=token.user.get_username(),
        role=token.role,
        via="api",
        user_id=token.user_id,
        address=client_address(request),
        request_id=getattr(request, "id", ""),
        credential=token.name,
    )


def _enter(request: HttpRequest) -> None:
    request.api_token = _authenticated(request)  # type: ignore[attr-defined]
    limits.count(request, token_of(request).key)
    tokens.require_second_factor(token_of(request))
    tokens.note_use(token_of(request))
    tokens.note_address(token_of(request), caller(request))
    if not request.accepts("application/json") and not request.accepts("application/problem+json"):
        raise NotAcceptable("This API answers application/json only.")
    reading.read(request)


def _authenticated(request: HttpRequest) -> ApiToken:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        raise NotAuthenticated(_HEADER)
    text = text.strip()
    try:
        return tokens.working(text)
    except NotAuthenticated:
        limits.count_failure(request, tokens.key_of(text))
        raise


def _leave(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code == 405 and "Allow" in response.headers:
        allowed = response.headers["Allow"]
        response = respond(request, problems.NOT_ALLOWED)
        response.headers["Allow"] = allowed
    for name, value in limits.headers(request).items():
        response.headers.setdefault(name, value)
    # Answers are made for one token, and a change may come at any moment.
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-ID"] = getattr(request, "id", "")
    return response
