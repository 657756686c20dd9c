"""The audit's pages: the list with its filters, one entry, CSV."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from ops_console.audit import queries
from ops_console.audit.forms import FilterForm
from ops_console.audit.models import Entry
from ops_console.web import csv_response, page

COLUMNS = (
    "id", "at", "source", "actor", "via", "credential", "action", "target_type", "target_id", "target_label", "reason",
    "before", "after", "address", "request_id",
)  # fmt: skip


@require_GET
def entry_list(request: HttpRequest) -> HttpResponseBase:
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    found = queries.entries(wanted) if form.is_valid() else Entry.objects.none()
    if request.GET.get("format") == "csv":
        return csv_response(request, "audit", COLUMNS, _rows(found))
    shown = queries.ORDER.page(found, request.GET.get("cursor", ""))
    return page(request, "audit/list.html", {"form": form, "page": shown})


@require_GET
def entry(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    found = queries.entry(entry_id)
    others = [row for row in queries.last_entries(found.target_type, found.target_id, 11) if row.pk != found.pk][:10]
    return page(request, "audit/entry.html", {"entry": found, "others": others})


def _rows(found: QuerySet[Entry]) -> Iterator[list[Any]]:
    for row in found.order_by("-id").values_list(*COLUMNS).iterator(chunk_size=500):
        yield [json.dumps(cell, sort_keys=True) if isinstance(cell, dict | list) else cell for cell in row]
