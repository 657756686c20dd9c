"""What admins decide: the tiers' matrix and resources. Everybody may read them."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.errors import InvalidInput
from ops_console.web import NO_CHANGES, done, go, page
from quotas import queries, settings_services, words
from quotas.forms import NewResourceForm, ResourceForm
from quotas.models import Resource


@require_GET
def tier_list(request: HttpRequest) -> HttpResponse:
    return page(request, "quotas/tiers.html", {"matrix": queries.matrix()})


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
    known = queries.resource(name)
    form = ResourceForm(request.POST if request.method == "POST" else None, instance=queries.resource(name))
    if form.is_valid():
        try:
            version = form.cleaned_data["version"]
            edited = settings_services.edit_resource(actor_of(request), name, form.values(), version)
            if edited.version == version:
                return done(request, NO_CHANGES, reverse("quotas:resources"), level="info")
            return done(request, f"{name} is saved; it holds on the next call.", reverse("quotas:resources"))
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
    context = {"form": form, "resource": known, "entries": last_entries("resource", name, 10)}
    return page(request, "quotas/resource.html", context, status=422 if form.errors else 200)
