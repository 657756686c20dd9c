"""The breakers' pages: how each stands, its hour in pictures, and an operator's override."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from incidents.breakers import queries, services
from incidents.breakers.chart import draw
from incidents.breakers.forms import FilterForm, OverrideForm
from incidents.breakers.models import Mode
from incidents.breakers.states import FORCED, BreakerState
from incidents.breakers.wording import question_of, settings_in_words
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.errors import InvalidInput, NotFound
from ops_console.pending_changes.models import PendingChange
from ops_console.telemetry.provider_shares import by_minute, failure_lines
from ops_console.web import ask, csv_response, done, page, tabs
from ops_console.web.formatting import duration

_TABS = [("", "All"), ("look", "Need attention"), ("overridden", "Overridden")]
_CHART_MINUTES = 60
_COLUMNS = ["name", "state", "since", "attempts", "failures", "final_calls", "final_failures", "refused"]


@require_GET
def breaker_list(request: HttpRequest) -> HttpResponseBase:
    form = FilterForm(request.GET)
    text, tab = form.cleaned_data["q"] if form.is_valid() else "", request.GET.get("state", "")
    if request.GET.get("format") == "csv":
        return csv_response(request, "breakers", _COLUMNS, map(_csv_row, queries.every_breaker(text, tab)))
    found = queries.breaker_page(text, tab, request.GET.get("cursor", ""))
    lines = failure_lines([state.name for state in found.rows])
    context = {
        "form": form,
        "tabs": tabs(request, _TABS, queries.breaker_counts(text)),
        "page": found,
        "rows": [(state, lines.get(state.name)) for state in found.rows],
        "minutes": queries.SHARE_MINUTES,
    }
    return page(request, "breakers/list.html", context)


@require_GET
def breaker_page(request: HttpRequest, name: str) -> HttpResponse:
    state = queries.breaker(name)
    minutes = by_minute(name, _CHART_MINUTES)
    history = queries.history(name, state.now - timedelta(minutes=_CHART_MINUTES))
    context = {
        "breaker": state,
        "minutes": queries.SHARE_MINUTES,
        "called": [minute for minute in reversed(minutes) if minute.calls.attempts or minute.calls.refused],
        "chart": draw(minutes, history, state.now),
        "timeline": queries.timeline(name, request.GET.get("cursor", "")),
        "modes": Mode.choices,
        "settings": settings_in_words(state.config),
        "code": f"ops.breaker({name!r})",
    }
    return page(request, "breakers/page.html", context)


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def breaker_override(request: HttpRequest, name: str) -> HttpResponse:
    """GET asks and says what it will do; POST does it, with Undo."""
    state, standing, mode = queries.breaker(name), queries.override_of(name), _mode(request)
    form = OverrideForm(request.POST or None, initial={"version": standing.version if standing else 0})
    question = question_of(state, mode)
    if request.method != "POST" or not form.is_valid():
        return ask(request, question, form)
    try:
        made = services.submit_override(actor_of(request), name, services.Order(mode, **form.cleaned_data))
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return ask(request, question, form)
    if isinstance(made, PendingChange):
        return _pending(request, name, made)
    return done(
        request,
        f"{name} is {FORCED[mode].label.lower()} for {duration(form.cleaned_data['seconds'])}.",
        to=reverse("breakers:page", args=[name]),
        undo_url="" if state.override else reverse("breakers:clear", args=[name, made.version]),
        link_url=_audit_url(name),
    )


@role_required(Role.OPERATOR)
@require_POST
def breaker_clear(request: HttpRequest, name: str, version: int) -> HttpResponse:
    cleared = services.submit_clear(actor_of(request), name, version)
    if isinstance(cleared, PendingChange):
        return _pending(request, name, cleared)
    to = reverse("breakers:page", args=[name])
    return done(request, f"{name} goes by its own rules again.", to=to, link_url=_audit_url(name))


def _pending(request: HttpRequest, name: str, change: PendingChange) -> HttpResponse:
    to = reverse("breakers:page", args=[name])
    return done(request, change.text, to=to, link_url=_audit_url(name), level="warn")


def _mode(request: HttpRequest) -> Mode:
    wanted = request.GET.get("mode", "")
    if wanted not in Mode.values:
        raise NotFound(f"A breaker can be overridden by {', '.join(Mode.values)}.")
    return Mode(wanted)


def _csv_row(state: BreakerState) -> list[Any]:
    calls = state.calls
    counted = [calls.attempts, calls.failures, calls.final_calls, calls.final_failures, calls.refused]
    return [state.name, state.badge.label, state.since.isoformat(), *counted]


def _audit_url(name: str) -> str:
    return f"{reverse('audit:list')}?target_type=breaker&target_id={name}"
