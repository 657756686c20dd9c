"""What admins decide: tiers and resources. Everybody may read them."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.errors import InvalidInput, NotFound
from ops_console.web import Question, ask, done, go, page
from quotas import queries, settings_services, words
from quotas.forms import NewResourceForm, PolicyForm, ResourceForm
from quotas.limits import show_limit
from quotas.models import Policy, Resource


@require_GET
def tier_list(request: HttpRequest) -> HttpResponse:
    context = {"resources": Resource.objects.all(), "rows": queries.matrix()}
    return page(request, "quotas/tiers.html", context)


@role_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: HttpRequest, tier: str, resource: str) -> HttpResponse:
    known = _resource(resource)
    policy = Policy.objects.filter(tier=tier, resource=known).first()
    form = PolicyForm(known, request.POST if request.method == "POST" else None, initial=_initial(known, policy))
    question = _question(tier, known, policy)
    if request.method != "POST" or not form.is_valid():
        return ask(request, question, form)
    try:
        limit = _save_policy(request, form, tier, known)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return ask(request, question, form)
    target = urlencode({"target_type": "policy", "target_id": f"{tier}/{resource}"})
    return done(request, f"{known.title}, tier {tier}: {limit}.", question.back, link_url=f"{_audit()}?{target}")


@require_GET
def resource_list(request: HttpRequest) -> HttpResponse:
    counts = queries.recent_counts()
    rows = [
        {
            "resource": each,
            "default": words.amount(each.unit, each.default_limit) if each.default_limit is not None else "",
            "span": words.span(each.kind, each.window_seconds, each.period),
            "refused": counts["refused"].get(each.name, 0),
            "alone": counts["alone"].get(each.name, 0),
        }
        for each in Resource.objects.all()
    ]
    return page(request, "quotas/resources.html", {"rows": rows})


@role_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def resource_new(request: HttpRequest) -> HttpResponse:
    form = NewResourceForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            name, kind = form.cleaned_data["name"], form.cleaned_data["kind"]
            settings_services.create_resource(actor_of(request), name, kind, form.values())
            return go(request, reverse("quotas:resources"))
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    return page(request, "quotas/resource.html", {"form": form}, status=422 if form.errors else 200)


@role_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def resource_edit(request: HttpRequest, name: str) -> HttpResponse:
    known = _resource(name)
    form = ResourceForm(request.POST if request.method == "POST" else None, instance=_resource(name))
    if form.is_valid():
        try:
            version = form.cleaned_data["version"]
            settings_services.edit_resource(actor_of(request), name, form.values(), version)
            return done(request, f"{name} is saved; it holds on the next call.", reverse("quotas:resources"))
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    context = {"form": form, "resource": known, "entries": last_entries("resource", name, 10)}
    return page(request, "quotas/resource.html", context, status=422 if form.errors else 200)


def _resource(name: str) -> Resource:
    found = Resource.objects.filter(pk=name).first()
    if found is None:
        raise NotFound(f"There is no resource named {name!r}.")
    return found


def _initial(resource: Resource, policy: Policy | None) -> dict[str, object]:
    if policy is None:
        return {"version": 0}
    return {"limit": show_limit(resource, policy.limit), "version": policy.version}


def _question(tier: str, resource: Resource, policy: Policy | None) -> Question:
    now = words.amount(resource.unit, policy.limit) if policy else "the resource's default"
    default = words.amount(resource.unit, resource.default_limit) if resource.default_limit is not None else "none"
    return Question(
        f"{resource.title}, tier {tier}",
        action=reverse("quotas:policy", args=[tier, resource.name]),
        back=reverse("quotas:tiers"),
        effect=f"In force now: {now}. The default is {default}.",
        notes=["Holds on the next call of every user of the tier who has no override."],
        confirm="Save limit",
    )


def _save_policy(request: HttpRequest, form: PolicyForm, tier: str, resource: Resource) -> str:
    actor, version = actor_of(request), form.cleaned_data["version"]
    if form.takes_default:
        settings_services.remove_policy(actor, tier, resource.name, version)
        return "the default"
    policy = settings_services.set_policy(actor, tier, resource.name, form.cleaned_data["limit"], version)
    return words.amount(resource.unit, policy.limit)


def _audit() -> str:
    return reverse("audit:list")
