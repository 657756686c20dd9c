"""The audit's pages: the list with its filters, one entry, CSV."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit import queries, things
from ops_console.audit.forms import FilterForm, ReasonForm
from ops_console.audit.models import Entry
from ops_console.audit.revert import revert
from ops_console.web import Question, ask, csv_response, done, page
from ops_console.web.diff import changes
from ops_console.web.tabs import query_url

COLUMNS = (
    "id", "at", "source", "actor", "via", "credential", "action", "target_type", "target_id", "target_label", "reason",
    "before", "after", "address", "request_id",
)  # fmt: skip


@require_GET
def entry_list(request: HttpRequest) -> HttpResponseBase:
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    since = queries.recent_since(wanted, timezone.now())
    found = queries.entries(wanted | ({"since": since} if since else {})) if form.is_valid() else Entry.objects.none()
    if request.GET.get("format") == "csv":
        return csv_response(request, "audit", COLUMNS, _rows(found))
    shown = queries.ORDER.page(found, request.GET.get("cursor", ""))
    context = {
        "form": form,
        "page": shown,
        "since": since,
        "all_url": query_url(request, period="all"),
        # Read only where the whole page is drawn.
        "actors": partial(queries.suggested, "actor"),
        "actions": partial(queries.suggested, "action"),
        "types": things.types,
    }
    return page(request, "audit/list.html", context)


@require_GET
def entry(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    found = queries.entry(entry_id)
    others = [row for row in queries.last_entries(found.target_type, found.target_id, 11) if row.pk != found.pk][:10]
    return page(request, "audit/entry.html", {"entry": found, "others": others})


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def entry_revert(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    """GET asks; POST sets back what the entry changed, through the service that made the change."""
    found = queries.entry(entry_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    back = reverse("audit:entry", args=[entry_id])
    if request.method != "POST" or not form.is_valid():
        question = Question(
            f"Revert this change of {found.target_label}?",
            action=request.path,
            back=back,
            effect=f"Sets what {found.actor} changed in {found.target_label} back to the values before.",
            notes=[f"{row.field}: {row.after} -> {row.before}" for row in changes(found.before, found.after)],
            confirm="Revert",
        )
        return ask(request, question, form)
    revert(actor_of(request), entry_id, form.cleaned_data["reason"])
    return done(request, f"Reverted: {found.title} by {found.actor}.", to=back)


def _rows(found: QuerySet[Entry]) -> Iterator[tuple[Any, ...]]:
    # The database writes JSON as text: parsing and writing it again would cost more than the rest of the row.
    texts = {f"{name}_text": Cast(name, TextField()) for name in ("before", "after")}
    columns = [f"{name}_text" if name in ("before", "after") else name for name in COLUMNS]
    return queries.ORDER.rows(found.annotate(**texts).values_list(*columns, named=True))
