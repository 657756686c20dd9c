"""A page with every component on it, for tests alone."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from ops_console.errors import Conflict, InvalidInput, NotFound
from ops_console.web import Key, Keyset, Question, ask, csv_response, done, page, tabs

ORDER = Keyset(Key("number", "int"), Key("id", "uuid"), size=8)
ROWS = [
    {
        "number": n,
        "id": UUID(int=n * 7919 * 10**30),
        "title": f"Episode {n}" if n != 2 else "<b>=SUM(A1)</b> a title with markup",
        "state": ["dead", "suspected", "slow", "running", "queued"][n % 5],
        "size_bytes": n * 13_000_000,
    }
    for n in range(1, 21)
]


class Filter(forms.Form):
    q = forms.CharField(required=False, label="Search", widget=forms.SearchInput)
    kind = forms.ChoiceField(required=False, choices=[("", "Any kind"), ("episode", "Episode")])


class Change(forms.Form):
    name = forms.CharField(max_length=20, help_text="Lower case, with hyphens.")
    percent = forms.DecimalField(max_value=100, min_value=0)
    kind = forms.ChoiceField(choices=[("a", "By its rules"), ("b", "Off for everyone")])
    protected = forms.BooleanField(required=False, help_text="Asks for a reason.")
    note = forms.CharField(required=False, widget=forms.Textarea)

    def clean_name(self) -> str:
        if self.cleaned_data["name"] == "taken":
            raise forms.ValidationError("Another flag has this name.")
        return str(self.cleaned_data["name"])


def gallery(request: HttpRequest) -> HttpResponseBase:
    at = ORDER.read(request.GET.get("cursor", ""))
    rows = [row for row in ROWS if request.GET.get("q", "") in str(row["title"])]
    if request.GET.get("format") == "csv":
        return csv_response(request, "rows", ["title"], ([row["title"]] for row in rows))
    if at:
        rows = [row for row in rows if row["number"] > at.values[0]]
    return page(request, "gallery/gallery.html", context(request, ORDER.cut(rows[:9], request.GET.get("cursor", ""))))


def context(request: HttpRequest, rows: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "form": Filter(request.GET),
        "change": Change({"name": "Way too long a name for this", "percent": "101"}),
        "tabs": tabs(request, [("", "All"), ("dead", "Dead"), ("slow", "Slow")], {"": 2326, "dead": 12, "slow": 0}),
        "page": rows,
        "matching": 2306 + len(ROWS),
        "recently": now - timedelta(seconds=12),
        "soon": now + timedelta(hours=3),
        "values": [1, 3, 2, None, 5, 8, 2, 1, 0, 4],
        "before": {"everyone": None, "percent": 10, "note": "trial"},
        "after": {"everyone": False, "percent": 10, "note": "off: provider is down"},
    }


def confirm(request: HttpRequest) -> HttpResponse:
    form = Change(request.POST or None)
    question = Question("Turn it on for everyone?", request.path, "/", effect="1,204 users seen today get it.")
    if request.method != "POST" or not form.is_valid():
        return ask(request, question, form)
    return done(request, "On for everyone.", to="/", undo_url="/undo", link_url="/audit")


def undo(request: HttpRequest) -> HttpResponse:
    return done(request, "As it was.", to="/")


def fail(request: HttpRequest, what: str) -> HttpResponse:
    raise {
        "conflict": Conflict("Ann changed it 3 s ago.", {"note": "hers", "version": 3}, {"note": "mine", "version": 2}),
        "input": InvalidInput("percent", "Percent must be between 0 and 100."),
        "missing": NotFound("There is no flag of that name."),
        "database": OperationalError("connection refused"),
        "fault": RuntimeError("a fault"),
    }[what]
