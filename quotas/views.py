"""Users and their limits: search, one user's page, and overrides."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ops_console import directory
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.directory import Person
from ops_console.errors import InvalidInput, NotFound
from ops_console.web import NO_CHANGES, Question, ask, done, page
from ops_console.web.moments import exact
from quotas import history, queries, services, words
from quotas.forms import OverrideForm, SearchForm
from quotas.held import held_by
from quotas.models import Override
from quotas.queries import Limit


@require_GET
def user_list(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    text = form.cleaned_data["q"].replace("\0", "") if form.is_valid() else ""
    context = {
        "form": form,
        "text": text,
        "found": queries.limited(directory.find(text)) if text else [],
        "overrides": None if text else queries.overrides_page(request.GET.get("cursor", "")),
        "near": [] if text else queries.near_or_over(),
        "refused": [] if text else queries.refused_lately(),
    }
    return page(request, "quotas/list.html", context)


@require_GET
def user_page(request: HttpRequest, user_id: str) -> HttpResponse:
    person = services.person_of(user_id)
    limits = queries.limited([person])[0].limits
    resources = [limit.resource for limit in limits]
    context = {
        "person": person,
        "limits": limits,
        "history": history.of_user(person, resources),
        "measured": history.measured(person, resources),
        "held": held_by(person),
        "past": queries.past_overrides(person.id, request.GET.get("cursor", "")),
        "refusals": queries.refusals_of(person.id),
    }
    return page(request, "quotas/user.html", context)


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def override_edit(request: HttpRequest, user_id: str, resource: str) -> HttpResponse:
    person = services.person_of(user_id)
    limit = _limit(person, resource)
    form = OverrideForm(limit.resource, limit.override, request.POST if request.method == "POST" else None)
    question = _question(person, limit)
    if request.method != "POST" or not form.is_valid():
        return ask(request, question, form)
    try:
        override = services.set_override(actor_of(request), person.id, resource, form.wanted())
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return ask(request, question, form)
    if override.version == form.cleaned_data["version"]:
        return done(request, NO_CHANGES, to=question.back, level="info")
    return done(
        request, _said(person, override), to=question.back, undo_url=_undo_url(override), link_url=_audit_url(override)
    )


@require_POST
def override_remove(request: HttpRequest, user_id: str, resource: str, version: int) -> HttpResponse:
    override = services.remove_override(actor_of(request), user_id, resource, version)
    return done(
        request,
        f"The override of {resource} is removed: the tier's limit holds.",
        to=reverse("quotas:user", args=[override.user_id]),
        undo_url=reverse("quotas:restore", args=[override.pk]),
        link_url=_audit_url(override),
    )


@require_POST
def override_restore(request: HttpRequest, override_id: int) -> HttpResponse:
    override = services.restore_override(actor_of(request), override_id)
    return done(
        request,
        _said(services.person_of(override.user_id), override),
        to=reverse("quotas:user", args=[override.user_id]),
        link_url=_audit_url(override),
    )


def _said(person: Person, override: Override) -> str:
    ends = f"until {exact(override.expires_at)}" if override.expires_at else "without an expiry"
    return f"{override.resource.title} of {person.email}: {override.limit_words} {ends}."


def _undo_url(override: Override) -> str:
    """Takes back what was just saved: a new override is removed, an edited one is what it was."""
    if override.version == 1:
        return reverse("quotas:remove", args=[override.user_id, override.resource_id, override.version])
    target_id = f"{override.user_id}/{override.resource_id}"
    return reverse("audit:revert", args=[last_entries("override", target_id, 1)[0].pk])


def _limit(person: Person, resource: str) -> Limit:
    for limit in queries.limited([person])[0].limits:
        if limit.resource.name == resource:
            return limit
    raise NotFound(f"There is no resource named {resource!r}.")


def _question(person: Person, limit: Limit) -> Question:
    return Question(
        f"{limit.resource.title} of {person.email}",
        action=reverse("quotas:override", args=[person.id, limit.resource.name]),
        back=reverse("quotas:user", args=[person.id]),
        effect=f"In force now: {words.in_force(limit.usage, limit.resource.period)}.",
        notes=["Holds from the user's next call on."],
        confirm="Save override",
    )


def _audit_url(override: Override) -> str:
    target = {"target_type": "override", "target_id": f"{override.user_id}/{override.resource_id}"}
    return f"{reverse('audit:list')}?{urlencode(target)}"
