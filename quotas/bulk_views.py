"""Many overrides at once: a table or a list of users, the plan row by row, and what came of it."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET, require_http_methods

from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.errors import InvalidInput
from ops_console.web import csv_response, page
from quotas.bulk import COLUMNS, Done, Outcome, Planned, apply, export_rows, fingerprint, plan, write_table
from quotas.bulk_forms import ManyForm, TableForm

SHOWN_ROWS = 500
_REPORT = ("line", "user", "resource", "outcome", "before", "after", "message")


@require_GET
def overrides_export(request: HttpRequest) -> HttpResponseBase:
    return csv_response(request, "overrides", COLUMNS, export_rows())


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def overrides_import(request: HttpRequest) -> HttpResponseBase:
    """A table is planned first; what is posted with the plan that was seen is done, if it still is that plan."""
    form = TableForm(*_sent(request))
    if request.method != "POST" or not form.is_valid():
        return page(request, "quotas/import.html", {"form": form}, status=422 if form.errors else 200)
    given = form.cleaned_data
    rows = plan(given["asked"], given["reason"])
    if request.POST.get("format") == "csv":
        return csv_response(request, "overrides-report", _REPORT, map(_report_row, rows))
    if given["seen"] != fingerprint(rows):
        return _report(request, rows, given["reason"], stale=bool(given["seen"]), guessed=given["guessed"])
    return _apply(request, rows, given["reason"])


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def overrides_many(request: HttpRequest) -> HttpResponse:
    """One change for many users becomes a table like any other."""
    form = ManyForm(*_sent(request), initial={"users": "\n".join(request.GET.getlist("ids"))})
    if request.method != "POST" or not form.is_valid():
        return page(request, "quotas/many.html", {"form": form}, status=422 if form.errors else 200)
    return _report(request, plan(form.asked()), form.cleaned_data["reason"])


def _sent(request: HttpRequest) -> tuple[Any, Any]:
    """What a form is bound to: nothing until something is sent, and then also an empty form."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def _apply(request: HttpRequest, rows: Sequence[Planned], reason: str) -> HttpResponse:
    try:
        done = apply(actor_of(request), rows, reason)
    except InvalidInput as error:
        return _report(request, rows, reason, problem=error.message)
    return _page(request, done, {"finished": True})


def _report(request: HttpRequest, rows: Sequence[Planned], reason: str, **context: Any) -> HttpResponse:
    kept = {"table": write_table([row.asked for row in rows]), "reason": reason, "seen": fingerprint(rows)}
    return _page(request, Done(list(rows)), {"kept": kept, **context})


def _page(request: HttpRequest, done: Done, context: dict[str, Any]) -> HttpResponse:
    first = sorted(done.rows, key=lambda row: row.outcome != Outcome.REFUSED)[:SHOWN_ROWS]
    does = sum(done.counts[each] for each in (Outcome.NEW, Outcome.CHANGED, Outcome.REMOVED))
    shown = {"rows": first, "counts": done.counts, "total": len(done.rows), "does": does, **context}
    return page(request, "quotas/report.html", shown)


def _report_row(row: Planned) -> list[Any]:
    who = row.person.email if row.person else row.asked.user
    return [row.asked.line, who, row.asked.resource, row.outcome, row.before, row.after, row.message]
