"""The list of flags, with live switches, filters in the URL, and CSV; and the names that nobody has defined."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from flags import list_rows, processes, queries, services, usage
from flags.forms import FilterForm, NewFlagForm
from flags.models import Flag
from flags.views.common import part_url
from flags.words import as_list
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.contract.queries import followers
from ops_console.errors import InvalidInput
from ops_console.web import Tab, csv_response, go, page, tabs

_TABS = [
    ("", "All"),
    ("on", "On for everyone"),
    ("rules", "By rules"),
    ("off", "Off"),
    ("scheduled", "Scheduled"),
    ("stale", "Stale"),
    ("archived", "Archived"),
]
_ELSEWHERE = [("undefined", "Unknown flags"), ("segments", "Segments")]
_COLUMNS = [
    "name",
    "state",
    "percent",
    "kind",
    "tags",
    "owner",
    "note",
    "asked 7 days",
    "last asked",
    "stale",
    "modified",
]


@require_GET
def flag_list(request: HttpRequest) -> HttpResponseBase:
    form = FilterForm(request.GET, queries.tags(), queries.owners())
    wanted = form.cleaned_data if form.is_valid() else {}
    chosen, state = list_rows.filters(wanted), request.GET.get("state", "")
    if request.GET.get("format") == "csv":
        return csv_response(request, "flags", _COLUMNS, _csv_rows(queries.flags(state=state, **chosen)))
    shown = list_rows.page(request.GET.get("sort", ""), request.GET.get("cursor", ""), state=state, **chosen)
    counts = queries.counts(**chosen)
    context = {
        "form": form,
        "tabs": list_tabs(request, counts, undefined=len(usage.undefined())),
        "page": shown,
        "rows": list_rows.rows(shown.rows),
        "total": counts.get(state, 0),
        "followers": followers(),
    }
    return page(request, "flags/list.html", context)


@require_GET
def undefined_list(request: HttpRequest) -> HttpResponseBase:
    """Names that code asks for and nobody has defined, and what processes answer for them by their environment."""
    names = usage.undefined()
    if request.GET.get("format") == "csv":
        rows = ([each.name, each.count, each.last_at, ", ".join(each.services)] for each in names)
        return csv_response(request, "undefined-flags", ["name", "asked 7 days", "last asked", "services"], rows)
    context = {
        "names": names,
        "tabs": list_tabs(request, queries.counts(), "undefined", len(names)),
        "defaults": processes.with_defaults(),
    }
    return page(request, "flags/undefined.html", context)


def list_tabs(
    request: HttpRequest, counts: Mapping[str, int], current: str = "", undefined: int | None = None
) -> list[Tab]:
    """The states of flags, then the pages beside the list; on those, the states lead back to it."""
    states = tabs(request, _TABS, counts)
    if current:
        back = reverse("flags:list")
        states = [
            Tab(label, f"{back}?state={state}" if state else back, counts.get(state), False) for state, label in _TABS
        ]
    known = {"undefined": undefined}
    beside = [
        Tab(label, reverse(f"flags:{name}"), known.get(name), name == current, elsewhere=True)
        for name, label in _ELSEWHERE
    ]
    return [*states, *beside]


def _csv_rows(found: QuerySet[Flag]) -> Iterator[list[Any]]:
    batches = list_rows.ORDERS[list_rows.DEFAULT_ORDER].batches(found)
    for row in chain.from_iterable(map(list_rows.rows, batches)):
        flag = row.flag
        texts = [
            flag.name,
            flag.state,
            flag.percent,
            flag.kind,
            ", ".join(map(str, as_list(flag.tags))),
            flag.owner,
            flag.note,
        ]
        yield [*texts, row.asked, row.last_asked, " ".join(row.reasons), flag.modified]


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_new(request: HttpRequest) -> HttpResponse:
    form = NewFlagForm(request.POST or None, initial={"name": request.GET.get("name", "")})
    if request.method != "POST" or not form.is_valid():
        return page(request, "flags/new.html", {"form": form}, status=422 if form.errors else 200)
    flag = _created(request, form)
    if flag is None:
        return page(request, "flags/new.html", {"form": form}, status=422)
    return go(request, part_url(flag, "rules"))


def _created(request: HttpRequest, form: NewFlagForm) -> Flag | None:
    try:
        return services.create(actor_of(request), form.cleaned_data["name"], form.cleaned_data)
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None
