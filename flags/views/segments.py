"""The segments: which there are, what uses them, and what changing one touches."""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from flags import queries, segment_services, segments
from flags.editor import documents
from flags.editor.rows import Row
from flags.effects import Effect, of_segment
from flags.forms import ConfirmForm, NewSegmentForm, SegmentForm, TextForm
from flags.models import Segment
from flags.views.common import sent_to, told_in_words
from flags.views.listing import list_tabs
from flags.views.rules import Choices
from flags.views.saving import Save, Sheet
from flags.words import constraint_in_words
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.errors import Conflict, InvalidInput
from ops_console.web import NO_CHANGES, Key, Keyset, Question, ask, csv_response, done, page

_ORDER = Keyset(Key("name"), Key("id", "int"))


@require_GET
def segment_list(request: HttpRequest) -> HttpResponseBase:
    form = TextForm(request.GET)
    found = segments.segments(form.cleaned_data["q"] if form.is_valid() else "")
    if request.GET.get("format") == "csv":
        columns = ("name", "note", "constraints")
        cells = ((row.name, row.note, row.constraints) for row in _ORDER.rows(found))
        return csv_response(request, "segments", columns, cells)
    shown = _ORDER.page(found, request.GET.get("cursor", ""))
    used = segments.used_by(each.name for each in shown.rows)
    rows = [(each, used[each.name], _in_words(each)) for each in shown.rows]
    context = {"form": form, "page": shown, "rows": rows, "tabs": list_tabs(request, queries.counts(), "segments")}
    return page(request, "flags/segments/list.html", context)


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_new(request: HttpRequest) -> HttpResponse:
    sent = sent_to(request)
    sheet = Sheet(Segment(), sent, NewSegmentForm, lambda root: None, _read)
    if sent is None or sheet.is_redrawn or not sheet.save(_creator(request)):
        status = 422 if sent is not None and not sheet.is_redrawn else 200
        return page(request, "flags/segments/new.html", {"sheet": sheet, "editor": Choices()}, status=status)
    return done(request, f"{request.POST['name'].strip()} is defined.", to=reverse("flags:segments"))


@require_http_methods(["GET", "HEAD", "POST"])
def segment_page(request: HttpRequest, segment_id: int) -> HttpResponse:
    """As a flag's rules: GET shows, a button `do` draws it again, and a POST without one saves."""
    segment = segments.segment(segment_id)
    sent = sent_to(request)
    using = list(segments.flags_using(segment.name))
    protected = bool(segment_services.protected_by_segment(segment.name))
    sheet = Sheet(segment, sent, SegmentForm, partial(_show, segment), _read, protected)
    if sent is not None and not sheet.is_redrawn and sheet.save(_editor(request, segment)):
        if sheet.is_unchanged:
            return done(request, NO_CHANGES, to=_url(segment), level="info")
        return done(request, f"{segment.name} is saved.", to=_url(segment), link_url=_audit_url(segment))
    context = {
        "segment": segment,
        "words": _in_words(segment),
        "using": using,
        "sheet": sheet,
        "editor": Choices(),
        "effect": _effect(segment, sheet),
        "entries": last_entries("segment", str(segment.pk), 10),
        "audit_url": _audit_url(segment),
    }
    status = 422 if sent is not None and not sheet.is_redrawn else 200
    return page(request, "flags/segments/page.html", context, status=status)


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def segment_delete(request: HttpRequest, segment_id: int) -> HttpResponse:
    """GET asks; POST removes it, which is refused while flags use it."""
    segment = segments.segment(segment_id)
    if request.method != "POST":
        return ask(request, _delete_question(segment), ConfirmForm())
    segment_services.delete_segment(actor_of(request), segment_id, reason=request.POST.get("reason", ""))
    return done(
        request, f"{segment.name} is removed.", to=reverse("flags:segments"), link_url=_audit_url(segment), level="info"
    )


def _delete_question(segment: Segment) -> Question:
    return Question(
        f"Remove {segment.name}?",
        action=reverse("flags:segment-delete", args=[segment.pk]),
        back=_url(segment),
        effect="No flag may use it, archived ones included; the audit keeps what it said.",
        confirm="Remove",
        tone="danger",
    )


def _creator(request: HttpRequest) -> Save:
    def save(values: dict[str, Any], given: dict[str, Any]) -> Segment:
        return segment_services.create_segment(actor_of(request), values["name"], values, given["reason"])

    return save


def _editor(request: HttpRequest, segment: Segment) -> Save:
    def save(values: dict[str, Any], given: dict[str, Any]) -> Segment:
        along = (given["version"], given["reason"], given.get("typed_name", ""))
        try:
            return segment_services.edit_segment(actor_of(request), segment.pk, values, *along)
        except Conflict as error:
            raise told_in_words(error, values) from error

    return save


def _show(segment: Segment, root: Row) -> None:
    documents.show_constraints(root, segment.constraints)


def _read(root: Row) -> dict[str, Any]:
    return {"constraints": documents.constraints(root)}


def _effect(segment: Segment, sheet: Sheet) -> Effect | None:
    if not sheet.is_redrawn:
        return None
    try:
        return of_segment(segment, sheet.values())
    except InvalidInput as error:
        return Effect(problem=error.message)


def _in_words(segment: Segment) -> str:
    constraints = segment.constraints if isinstance(segment.constraints, list) else []
    return " and ".join(map(constraint_in_words, constraints)) or "Everybody"


def _url(segment: Segment) -> str:
    return reverse("flags:segment", args=[segment.pk])


def _audit_url(segment: Segment) -> str:
    return f"{reverse('audit:list')}?target_type=segment&target_id={segment.pk}"
