"""Operations: the list over all sources, its error groups, and the page of one operation."""

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from incidents.operations import progress, queries
from incidents.operations.abilities import abilities
from incidents.operations.counting import Count
from incidents.operations.filters import FilterForm, scope_of
from incidents.operations.groups import error_groups as groups_of
from incidents.operations.guard import TooSlow
from incidents.operations.listing import is_descending
from incidents.operations.scope import Scope
from incidents.operations.shown import CSV_HEADER, csv_rows, page_facts, shown
from incidents.operations.timeline import timeline
from incidents.operations.unlisted import unlisted_failures
from ops_console.access.actor import actor_of
from ops_console.access.roles import Role, reaches
from ops_console.directory import DirectoryUnavailable
from ops_console.errors import ConsoleError, InvalidInput
from ops_console.web import Tab, csv_response, page, tabs
from ops_console.web.tabs import query_url

_TABS = [
    ("", "Stuck"),
    ("slow", "Slow"),
    ("waiting", "Waiting"),
    ("in_progress", "In progress"),
    ("failed", "Failed"),
    ("resolved", "Recently resolved"),
]

_EVIDENCE = [
    ("", "All that is stuck"),
    ("dead", "Dead: its heartbeat ended"),
    ("suspected", "Suspected: by its age alone"),
]


@require_GET
def operation_list(request: HttpRequest) -> HttpResponseBase:
    outbox = progress.outbox_depth_and_age()
    running = progress.progress(progress.running_actions())
    context: dict[str, Any] = {"form": FilterForm(request.GET), "running": running, "outbox": outbox}
    try:
        scope = scope_of(request.GET)
        if request.GET.get("format") == "csv":
            return csv_response(request, f"operations-{scope.state}", CSV_HEADER, csv_rows(scope))
        found = _listed(request, scope, outbox.dead)
    except (DirectoryUnavailable, queries.SourceUnavailable) as error:
        found = {"problem": error.message}
    except InvalidInput as error:
        found = {"unread": _unread(error)}
    return page(request, "operations/list.html", {**context, **found})


def _unread(error: InvalidInput) -> str:
    """What is wrong with a filter, by its label; raises the error where it is about something else."""
    field = FilterForm.base_fields.get(error.field)
    if field is None:
        raise error
    return f"{field.label}: {error.message.removeprefix(f'{error.field}: ')}"


def _listed(request: HttpRequest, scope: Scope, dead_letters: int) -> dict[str, Any]:
    found, slow = None, ""
    try:
        found = queries.list_page(scope, request.GET.get("cursor", ""))
    except TooSlow as error:
        slow = error.message
    counts = queries.counts(scope, found)
    total = counts[scope.state]
    context = {
        "scope": scope,
        "state": scope.state,
        "tabs": _tabs(request, counts, dead_letters),
        "evidence": _evidence_tabs(request, counts) if scope.state == "stuck" else [],
        "total": total.text,
        "matching": total.number if scope.kind else None,
        "is_capped": total.capped,
        "unlisted": unlisted_failures(scope.kind) if scope.state == "resolved" else [],
        "clear": _without_filter(request),
        "checked_at": total.checked_at or timezone.now(),
        "sort": "-since" if is_descending(scope) else "since",
        "abilities": abilities(scope.kind, with_indexes=reaches(actor_of(request).role, Role.ADMIN)),
    }
    return {**context, "page": found, "rows": shown(found.rows)} if found else {**context, "slow": slow}


def _without_filter(request: HttpRequest) -> str:
    """This tab's address without its filters; "" where there are none."""
    names = FilterForm.base_fields
    return query_url(request, **dict.fromkeys(names, "")) if any(map(request.GET.get, names)) else ""


def _tabs(request: HttpRequest, counts: dict[str, Count], dead_letters: int) -> list[Tab]:
    by_value = {value: counts[value or "stuck"] for value, _ in _TABS}
    made = zip(tabs(request, _TABS), by_value.values(), strict=True)
    found = [
        replace(tab, label=f"{tab.label} {count.text}")
        if count.capped or count.number is None
        else replace(tab, count=count.number)
        for tab, count in made
    ]
    return [*found, Tab("Dead letters", reverse("operations:dead"), dead_letters, False)]


def _evidence_tabs(request: HttpRequest, counts: dict[str, Count]) -> list[Tab]:
    made = tabs(request, _EVIDENCE, param="evidence")
    return [
        replace(tab, label=f"{tab.label} ({_of_first(counts[value])})" if value else tab.label)
        for tab, (value, _) in zip(made, _EVIDENCE, strict=True)
    ]


def _of_first(count: Count) -> str:
    """A count's text, where it stops after so many stuck rows and not after so many of its own."""
    return f"none of the {count.looked_at:,} oldest" if count.capped and count.number == 0 else count.text


@require_GET
def error_groups(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {"form": FilterForm(request.GET)}
    try:
        context["groups"] = groups_of(scope_of(request.GET))
    except ConsoleError as error:
        context["problem"] = error.message
    return page(request, "operations/groups.html", context)


@require_GET
def operation_page(request: HttpRequest, kind: str, operation_id: str) -> HttpResponse:
    found = queries.detail(kind, operation_id)
    facts = {**page_facts(found), "events": timeline(found)}
    return page(request, "operations/page.html", {**facts, "history": progress.history(kind, operation_id)})
