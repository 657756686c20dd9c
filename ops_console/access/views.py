"""The Access page: who may use the console, and as what. All of it is the admins'."""

from collections.abc import Callable
from functools import partial
from typing import cast

from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ops_console.access import links, mail, queries, services
from ops_console.access.actor import actor_of
from ops_console.access.forms import (
    InviteForm,
    PeopleFilterForm,
    ReasonForm,
    RequireSecondFactorForm,
    RoleForm,
    refuse,
)
from ops_console.access.middleware import role_required
from ops_console.access.models import User
from ops_console.access.roles import Role
from ops_console.access.step_up import reauthenticated
from ops_console.audit.models import Entry
from ops_console.errors import InvalidInput, NotFound
from ops_console.web import NO_CHANGES, Question, ask, done, go, page

admin_only = role_required(Role.ADMIN)
USERS = "access:users"
# The most names that a question lists.
LISTED = 20


@admin_only
@require_GET
def users(request: HttpRequest) -> HttpResponseBase:
    form = PeopleFilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = queries.people(wanted.get("q", ""), wanted.get("role", "")) if form.is_valid() else User.objects.none()
    rule = queries.second_factor_rule()
    context = {
        "form": form,
        "page": queries.PEOPLE_ORDER.page(found, request.GET.get("cursor", "")),
        "total": found.count(),
        "rule": rule,
        "blocked": queries.without_second_factor(LISTED) if rule.in_grace else None,
        "has_factor": rule.fixed or queries.has_second_factor(cast(User, request.user)),
    }
    return page(request, "access/users.html", context)


@admin_only
@require_http_methods(["GET", "POST"])
@reauthenticated
def invite(request: HttpRequest) -> HttpResponseBase:
    form = InviteForm(request.POST if request.method == "POST" else None, initial={"role": Role.VIEWER})
    if request.method == "POST" and form.is_valid():
        try:
            issued = services.invite(actor_of(request), **form.cleaned_data)
        except InvalidInput as error:
            refuse(form, error)
        else:
            return _link_page(request, issued)
    return page(request, "access/invite.html", {"form": form}, status=422 if form.errors else 200)


@admin_only
@require_GET
def user(request: HttpRequest, user_id: int) -> HttpResponseBase:
    shown = _person(user_id)
    form = RoleForm(initial={"role": shown.role, "version": shown.version})
    return page(request, "access/user.html", {"person": shown, "form": form})


@admin_only
@require_POST
@reauthenticated
def change_role(request: HttpRequest, user_id: int) -> HttpResponseBase:
    form = RoleForm(request.POST)
    if form.is_valid() and _lowers_own_role(request, user_id, form) and "confirmed" not in request.POST:
        return ask(request, _own_role_question(request, user_id, form))
    if form.is_valid():
        try:
            changed = services.change_role(actor_of(request), user_id, **form.cleaned_data)
        except InvalidInput as error:
            refuse(form, error)
        else:
            own_and_lower = _lowers_own_role(request, user_id, form)
            to = reverse("overview") if own_and_lower else _page_of(user_id)
            if changed.version == form.cleaned_data["version"]:
                return done(request, NO_CHANGES, to=to, level="info")
            return done(request, f"{changed.username} is {changed.role} now.", to=to)
    return page(request, "access/user.html", {"person": _person(user_id), "form": form}, status=422)


def _lowers_own_role(request: HttpRequest, user_id: int, form: RoleForm) -> bool:
    return user_id == request.user.pk and form.cleaned_data["role"] != Role.ADMIN


def _own_role_question(request: HttpRequest, user_id: int, form: RoleForm) -> Question:
    return Question(
        "Give up your own admin role?",
        action=request.path,
        back=_page_of(user_id),
        effect="You lose this page at once and cannot undo this yourself: only another admin can.",
        confirm="Change my role",
        tone="danger",
        hidden=[*form.cleaned_data.items(), ("confirmed", "1")],
    )


@admin_only
@require_POST
@reauthenticated
def make_link(request: HttpRequest, user_id: int) -> HttpResponseBase:
    return _link_page(request, services.make_link(actor_of(request), user_id))


@admin_only
@require_http_methods(["GET", "POST"])
@reauthenticated
def deactivate(request: HttpRequest, user_id: int) -> HttpResponseBase:
    shown = _person(user_id)
    question = Question(
        f"Deactivate {shown.username}?",
        action=request.path,
        back=_page_of(user_id),
        effect="They are signed out everywhere at once and cannot come back until they are reactivated.",
        confirm="Deactivate",
        tone="danger",
    )
    return _asked(request, shown, question, partial(services.deactivate, actor_of(request), user_id), "is shut out.")


@admin_only
@require_http_methods(["GET", "POST"])
@reauthenticated
def remove_second_factors(request: HttpRequest, user_id: int) -> HttpResponseBase:
    shown = _person(user_id)
    question = Question(
        f"Remove the second factors of {shown.username}?",
        action=request.path,
        back=_page_of(user_id),
        effect="For somebody who has lost theirs: they sign in with their password alone until they set up a new one.",
        confirm="Remove",
        tone="danger",
    )

    def remove(version: int, reason: str) -> User:
        return services.remove_second_factors(actor_of(request), user_id, reason)

    return _asked(request, shown, question, remove, "has no second factor now.")


@admin_only
@require_POST
@reauthenticated
def reactivate(request: HttpRequest, user_id: int) -> HttpResponseBase:
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("version", "The form is incomplete: open the page again.")
    changed = services.reactivate(actor_of(request), user_id, **form.cleaned_data)
    return done(request, f"{changed.username} may sign in again.", to=_page_of(user_id))


@admin_only
@require_http_methods(["GET", "POST"])
@reauthenticated
def sign_out(request: HttpRequest, user_id: int) -> HttpResponseBase:
    shown = _person(user_id)
    if request.method != "POST":
        return ask(request, _sign_out_question(request, shown, _page_of(user_id)))
    services.sign_out_everywhere(actor_of(request), user_id)
    return done(request, f"{shown.username} is signed out everywhere.", to=_page_of(user_id))


@role_required(Role.VIEWER)
@require_http_methods(["GET", "POST"])
@reauthenticated
def sign_out_me(request: HttpRequest) -> HttpResponseBase:
    if request.method != "POST":
        return ask(request, _sign_out_question(request, cast(User, request.user), reverse("usersessions_list")))
    services.sign_out_everywhere(actor_of(request), cast(int, request.user.pk))
    logout(request)
    return go(request, reverse("account_login"))


def _sign_out_question(request: HttpRequest, person: User, back: str) -> Question:
    held = queries.working_tokens(person)
    names = ", ".join(token.name for token in held[:5]) + (" and more" if len(held) > 5 else "")
    tokens = f" Their API tokens stop working and cannot be restored: {names}." if held else " They have no API tokens."
    return Question(
        f"Sign {person.username} out everywhere?",
        action=request.path,
        back=back,
        effect=f"Ends every session of {person.username}, in all browsers.{tokens}",
        confirm="Sign out everywhere",
        tone="danger",
    )


@admin_only
@require_http_methods(["GET", "POST"])
@reauthenticated
def require_second_factor(request: HttpRequest) -> HttpResponseBase:
    """GET asks, naming the people who would be blocked; POST requires it, with Undo."""
    initial = {"version": queries.second_factor_rule().version}
    form = RequireSecondFactorForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            entry = services.require_second_factor(actor_of(request), True, **form.cleaned_data)
        except InvalidInput as error:
            refuse(form, error)
        else:
            return _policy_changed(request, entry, "A second factor is required of everybody.")
    return ask(request, _require_question(request), form)


@admin_only
@require_POST
def make_second_factor_optional(request: HttpRequest) -> HttpResponseBase:
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("version", "The form is incomplete: open the page again.")
    entry = services.require_second_factor(actor_of(request), False, **form.cleaned_data)
    return _policy_changed(request, entry, "A second factor is optional.")


def _policy_changed(request: HttpRequest, entry: Entry, said: str) -> HttpResponseBase:
    undo, details = reverse("audit:revert", args=[entry.pk]), reverse("audit:entry", args=[entry.pk])
    return done(request, said, to=reverse(USERS), undo_url=undo, link_url=details)


def _require_question(request: HttpRequest) -> Question:
    blocked = queries.without_second_factor(LISTED)
    names = [f"{one.username} ({one.get_role_display().lower()})" for one in blocked.first]
    if blocked.count > len(names):
        names.append(f"and {blocked.count - len(names):,} more")
    if blocked.tokens:
        names.append(f"API tokens of these people that stop working with them: {blocked.tokens:,}")
    effect = (
        f"{blocked.count:,} {'person has' if blocked.count == 1 else 'people have'} no second factor. During the grace "
        "period they are asked to set one up at sign-in; after it they reach no other page until they have."
        if blocked.count
        else "Everybody with an account has a second factor: nobody is blocked."
    )
    return Question(
        "Require a second factor of everybody?",
        action=request.path,
        back=reverse(USERS),
        effect=effect,
        notes=names,
        confirm="Require",
        tone="danger",
    )


def _asked(
    request: HttpRequest, shown: User, question: Question, change: Callable[..., User], said: str
) -> HttpResponseBase:
    form = ReasonForm(request.POST if request.method == "POST" else None, initial={"version": shown.version})
    if request.method == "POST" and form.is_valid():
        try:
            change(**form.cleaned_data)
        except InvalidInput as error:
            refuse(form, error)
        else:
            return done(request, f"{shown.username} {said}", to=_page_of(shown.pk))
    return ask(request, question, form)


def _link_page(request: HttpRequest, issued: services.Issued) -> HttpResponseBase:
    url = request.build_absolute_uri(reverse("access:open_link", args=[issued.token]))
    expires_in = links.LIFETIME[issued.kind]
    mailed = mail.send_link(issued.user, url, expires_in)
    context = {"person": issued.user, "url": url, "mailed": mailed, "expires_in": expires_in}
    response = page(request, "access/link.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _person(user_id: int) -> User:
    found = queries.person(user_id)
    if found is None:
        raise NotFound("There is no such person in this console.")
    return found


def _page_of(user_id: int) -> str:
    return reverse("access:user", args=[user_id])
