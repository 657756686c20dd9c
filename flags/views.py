"""The flags' pages: a list with live switches, and a page a flag."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from flags import queries, services
from flags.forms import FilterForm, FlagForm, NewFlagForm
from flags.models import Flag, State
from ops_client.flags.defaults import variable
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.contract.queries import followers
from ops_console.errors import InvalidInput, NotFound
from ops_console.web import Key, Keyset, Question, ask, csv_response, done, go, page, tabs

_ORDER = Keyset(Key("name"), Key("id", "int"))
_TABS = [("", "All"), ("on", "On for everyone"), ("rules", "By rules"), ("off", "Off"), ("archived", "Archived")]
_SAID = {
    State.OFF: "{} is off for everyone.",
    State.RULES: "{} goes by its rules.",
    State.ON: "{} is on for everyone.",
}


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


@require_http_methods(["GET", "HEAD", "POST"])
def flag_page(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = queries.flag(flag_id)
    if request.method != "POST":
        return _flag_page(request, flag, FlagForm(instance=flag, initial={"version": flag.version}))
    form = FlagForm(request.POST, instance=Flag(pk=flag.pk, name=flag.name))
    if not form.is_valid():
        return _flag_page(request, flag, form, status=422)
    values = form.cleaned_data
    try:
        services.edit(actor_of(request), flag_id, values, values["version"], values["reason"])
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _flag_page(request, flag, form, status=422)
    return done(request, f"{flag.name} is saved.", to=_url(flag), link_url=_audit_url(flag))


def _flag_page(request: HttpRequest, flag: Flag, form: FlagForm, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "flag": flag,
        "form": form,
        "states": State,
        "entries": last_entries("flag", str(flag.pk), 10),
        "audit_url": _audit_url(flag),
        "followers": followers(),
        **_code(flag.name),
    }
    return page(request, "flags/page.html", context, status=status)


def _code(name: str) -> dict[str, str]:
    return {
        "code_client": f'ops.flags.is_enabled({name!r}, {{"user_id": user.id}}, default=False)',
        "code_template": f'{{% load waffle_tags %}}{{% flag "{name}" %}}…{{% endflag %}}',
        "code_environment": f"{variable(name)}=on",
    }


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
    return go(request, _url(flag))


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_state(request: HttpRequest, flag_id: int, state: str) -> HttpResponse:
    """The switch (off, rules) is one click with Undo. On for everyone asks first: it ends a trial for all at once."""
    if state not in State:
        raise NotFound("A flag is off, on, or goes by its rules.")
    flag = queries.flag(flag_id)
    if request.method != "POST":
        return ask(request, _question(flag, State(state)))
    services.set_state(actor_of(request), flag_id, State(state), request.POST.get("reason", ""))
    return done(
        request,
        _SAID[State(state)].format(flag.name),
        to=reverse("flags:list"),
        undo_url=reverse("flags:state", args=[flag_id, flag.state]),
        link_url=_audit_url(flag),
    )


def _question(flag: Flag, state: State) -> Question:
    processes = followers()
    return Question(
        f"{flag.name}: {state.label.lower()}?",
        action=reverse("flags:state", args=[flag.pk, state]),
        back=_url(flag),
        effect=f"Takes effect within a second; backend processes that follow now: {processes.total}.",
        notes=["Every user gets it, whatever its rules and percentage say."] if state == State.ON else [],
        confirm=state.label,
        tone="danger" if state == State.ON else "primary",
    )


@require_POST
def flag_archive(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = services.archive(actor_of(request), flag_id)
    return done(
        request,
        f"{flag.name} is archived: code that asks for it gets its default.",
        to=reverse("flags:list"),
        undo_url=reverse("flags:restore", args=[flag_id]),
        link_url=_audit_url(flag),
    )


@require_POST
def flag_restore(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = services.restore(actor_of(request), flag_id)
    return done(request, f"{flag.name} is in force again.", to=_url(flag), link_url=_audit_url(flag))


def _url(flag: Flag) -> str:
    return reverse("flags:page", args=[flag.pk])


def _audit_url(flag: Flag) -> str:
    return f"{reverse('audit:list')}?target_type=flag&target_id={flag.pk}"
