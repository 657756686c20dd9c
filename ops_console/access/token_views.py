"""API tokens: everybody's own, and for admins all of them."""

from typing import cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from ops_console.access import queries, token_services
from ops_console.access.actor import actor_of
from ops_console.access.forms import RevokeForm, TokenForm, refuse
from ops_console.access.middleware import role_required
from ops_console.access.models import User
from ops_console.access.roles import Role, reaches
from ops_console.access.step_up import reauthenticated
from ops_console.errors import InvalidInput, NotAllowed
from ops_console.web import Key, Keyset, Question, ask, done, page, tabs

# Whoever reads may have a token that reads.
anybody = role_required(Role.VIEWER)
ORDER = Keyset(Key("id", "int", descending=True))
_WHOSE = [("", "Mine"), ("all", "Everybody's")]


@anybody
@require_GET
def token_list(request: HttpRequest) -> HttpResponseBase:
    everybody = request.GET.get("whose") == "all"
    user = cast(User, request.user)
    admin = reaches(user.role, Role.ADMIN)
    if everybody and not admin:
        raise NotAllowed("Other people's tokens are the admins' to see.")
    found = queries.tokens() if everybody else queries.tokens().filter(user=user)
    context = {
        "page": ORDER.page(found, request.GET.get("cursor", "")),
        "everybody": everybody,
        "tabs": tabs(request, _WHOSE, param="whose") if admin else [],
    }
    return page(request, "access/tokens.html", context)


@anybody
@never_cache
@require_http_methods(["GET", "POST"])
@reauthenticated
def token_new(request: HttpRequest) -> HttpResponseBase:
    form = TokenForm(request.POST if request.method == "POST" else None, role=cast(User, request.user).role)
    if request.method == "POST" and form.is_valid():
        try:
            new = token_services.create(actor_of(request), **form.cleaned_data)
        except InvalidInput as error:
            refuse(form, error)
        else:
            return page(request, "access/token_made.html", {"token": new.token, "text": new.text})
    return page(request, "access/token_new.html", {"form": form}, status=422 if form.errors else 200)


@anybody
@require_http_methods(["GET", "POST"])
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponseBase:
    actor = actor_of(request)
    token = token_services.reachable(actor, token_id)
    form = RevokeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        token_services.revoke(actor, token_id, form.cleaned_data["reason"])
        return done(request, f"{token.name} does not work any more.", to=reverse("access:tokens"))
    question = Question(
        f"Revoke {token.name}?",
        action=request.path,
        back=reverse("access:tokens"),
        effect="Whatever uses it is refused from the next call on. A revoked token cannot be brought back.",
        confirm="Revoke",
        tone="danger",
    )
    return ask(request, question, form)
