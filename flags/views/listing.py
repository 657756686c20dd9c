"""The list of flags, with live switches, filters in the URL, and CSV."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET, require_http_methods

from flags import queries, services
from flags.forms import FilterForm, NewFlagForm
from flags.views.common import part_url
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.contract.queries import followers
from ops_console.errors import InvalidInput
from ops_console.web import Key, Keyset, csv_response, go, page, tabs

_ORDER = Keyset(Key("name"), Key("id", "int"))
_TABS = [("", "All"), ("on", "On for everyone"), ("rules", "By rules"), ("off", "Off"), ("archived", "Archived")]


@require_GET
def flag_list(request: HttpRequest) -> HttpResponseBase:
    form = FilterForm(request.GET)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    found = queries.flags(text, request.GET.get("state", ""))
    if request.GET.get("format") == "csv":
        rows = found.order_by("name").values_list("name", "everyone", "percent", "owner", "note", "modified")
        return csv_response(
            request, "flags", ["name", "everyone", "percent", "owner", "note", "modified"], rows.iterator()
        )
    context = {
        "form": form,
        "tabs": tabs(request, _TABS, queries.counts(text)),
        "page": _ORDER.page(found, request.GET.get("cursor", "")),
        "followers": followers(),
    }
    return page(request, "flags/list.html", context)


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_new(request: HttpRequest) -> HttpResponse:
    form = NewFlagForm(request.POST or None, initial={"name": request.GET.get("name", "")})
    if request.method != "POST" or not form.is_valid():
        return page(request, "flags/new.html", {"form": form}, status=422 if form.errors else 200)
    try:
        flag = services.create(actor_of(request), form.cleaned_data["name"], form.cleaned_data)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return page(request, "flags/new.html", {"form": form}, status=422)
    return go(request, part_url(flag, "rules"))
