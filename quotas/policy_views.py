"""A tier's limit: tried on what was used before, put on trial, then enforced."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ops_console import directory
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.errors import InvalidInput
from ops_console.web import NO_CHANGES, done, page
from quotas import peaks, queries, settings_services, words
from quotas.forms import PolicyForm
from quotas.limits import show_limit
from quotas.models import Policy, Resource

HOURS = 24
_WORST = 5


@dataclass(frozen=True)
class Effect:
    """What a limit would have done in the last day: how many of how many, and who by most."""

    limit_words: str
    users: int
    asked: int
    worst: list[tuple[str, str]]


@role_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: HttpRequest, tier: str, resource: str) -> HttpResponse:
    known = queries.resource(resource)
    policy = Policy.objects.filter(tier=tier, resource=known).first()
    form = PolicyForm(known, request.POST if request.method == "POST" else None, initial=_initial(known, policy))
    form.auto_id = "ask_%s"  # the page below the dialog may have fields of the same names
    act = request.POST.get("act", "enforce")
    if request.method != "POST" or not form.is_valid() or act == "preview":
        return _asked(request, tier, known, policy, form)
    try:
        said = _save(request, form, tier, known, act)
    except InvalidInput as error:
        form.add_error("limit", error.message)
        return _asked(request, tier, known, policy, form)
    if not said:
        return done(request, NO_CHANGES, reverse("quotas:tiers"), level="info")
    target = urlencode({"target_type": "policy", "target_id": f"{tier}/{resource}"})
    link = f"{reverse('audit:list')}?{target}"
    return done(request, f"{known.title}, tier {tier}: {said}.", reverse("quotas:tiers"), link_url=link)


def effect_of(resource: Resource, limit: int | None, tier: str) -> Effect:
    """The effect in words, with the users' mails; two queries beyond the replay's own."""
    replay = peaks.replay(resource.name, limit, tier, HOURS)
    people = directory.get_many(user_id for user_id, _ in replay.worst[:_WORST])
    worst = [
        (people[user_id].email if user_id in people else user_id, words.amount(resource.unit, peak))
        for user_id, peak in replay.worst[:_WORST]
    ]
    return Effect(words.amount(resource.unit, limit), replay.users, replay.asked, worst)


def _asked(request: HttpRequest, tier: str, known: Resource, policy: Policy | None, form: PolicyForm) -> HttpResponse:
    context: dict[str, Any] = {
        "tier": tier,
        "resource": known,
        "policy": policy,
        "form": form,
        "in_force": words.amount(known.unit, policy.limit) if policy else "the resource's default",
        "default": words.amount(known.unit, known.default_limit) if known.default_limit is not None else "none",
    }
    if policy and policy.trial_limit is not None:
        context["trial"] = effect_of(known, policy.trial_limit, tier)
    if form.is_bound and form.is_valid():
        limit = known.default_limit if form.takes_default else form.cleaned_data["limit"]
        context["effect"] = effect_of(known, limit, tier)
    return page(request, "quotas/policy.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, form: PolicyForm, tier: str, resource: Resource, act: str) -> str:
    """What was saved, in words; "" where it is as before."""
    actor, version, limit = actor_of(request), form.cleaned_data["version"], form.cleaned_data["limit"]
    if act == "end":
        policy = settings_services.try_policy(actor, tier, resource.name, None, version)
        return "the trial is over" if policy.version != version else ""
    if act == "trial":
        if form.takes_default or limit is None:
            raise InvalidInput("limit", "limit: give the one to be tried.")
        policy = settings_services.try_policy(actor, tier, resource.name, limit, version)
        if policy.version == version:
            return ""
        return f"{words.amount(resource.unit, limit)} on trial, nobody is refused by it"
    if form.takes_default and version == 0:
        return ""
    if form.takes_default:
        settings_services.remove_policy(actor, tier, resource.name, version)
        return "the default"
    policy = settings_services.set_policy(actor, tier, resource.name, limit, version)
    return words.amount(resource.unit, policy.limit) if policy.version != version else ""


def _initial(resource: Resource, policy: Policy | None) -> dict[str, object]:
    if policy is None:
        return {"version": 0}
    limit = policy.limit if policy.trial_limit is None else policy.trial_limit
    return {"limit": show_limit(resource, limit), "version": policy.version}
