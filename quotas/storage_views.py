"""Storage against what is really there: measure again, and take over what was measured."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from ops_console import directory
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.web import done, page
from quotas import peaks, services, storage_services, words
from quotas.history import Measured
from quotas.models import Resource


@require_GET
def drift_list(request: HttpRequest) -> HttpResponse:
    """Every level that is not what was measured, and the last measuring of everybody."""
    resources = Resource.objects.in_bulk()
    drifts = [each for each in peaks.drifts() if each.resource in resources]
    people = directory.get_many(each.user_id for each in drifts)
    storage = [each for each in resources.values() if each.kind == Resource.Kind.STORAGE]
    context = {
        "rows": [(Measured(resources[each.resource], each, None), people.get(each.user_id)) for each in drifts],
        "recounts": [(each, peaks.last_recount(each.name)) for each in storage],
    }
    return page(request, "quotas/drifts.html", context)


@require_POST
def user_recount(request: HttpRequest, user_id: str, resource: str) -> HttpResponse:
    person = services.person_of(user_id)
    storage_services.request_recount(actor_of(request), resource, person.id)
    said = f"{resource} of {person.email} is being measured; what differs appears here within seconds."
    return done(request, said, to=reverse("quotas:user", args=[person.id]))


@role_required(Role.ADMIN)
@require_POST
def everybody_recount(request: HttpRequest, resource: str) -> HttpResponse:
    storage_services.request_recount(actor_of(request), resource)
    return done(request, f"{resource} of everybody is being measured.", to=reverse("quotas:drifts"))


@require_POST
def level_correct(request: HttpRequest, user_id: str, resource: str) -> HttpResponse:
    level = storage_services.correct_level(actor_of(request), resource, user_id)
    unit = Resource.objects.get(pk=resource).unit
    target = urlencode({"target_type": "level", "target_id": f"{user_id}/{resource}"})
    return done(
        request,
        f"{resource} is {words.used(unit, level)} now, as it was measured.",
        to=reverse("quotas:user", args=[user_id]),
        link_url=f"{reverse('audit:list')}?{target}",
    )
