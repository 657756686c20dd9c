"""The switch, on for everyone, archive and restore."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from flags import queries, services
from flags.effects import of_archive, of_state
from flags.forms import ConfirmForm
from flags.models import Flag, State
from flags.views.common import audit_url, part_url, sent_to
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.contract.queries import followers
from ops_console.errors import NotFound
from ops_console.pending_changes.models import PendingChange
from ops_console.web import Question, ask, done

_SAID = {
    State.OFF: "{} is off for everyone.",
    State.RULES: "{} goes by its rules.",
    State.ON: "{} is on for everyone.",
}


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_state(request: HttpRequest, flag_id: int, state: str) -> HttpResponse:
    """The switch (off, rules) is one click with Undo. On for everyone asks first, and so does what is protected."""
    if state not in State:
        raise NotFound("A flag is off, on, or goes by its rules.")
    flag, wanted = queries.flag(flag_id), State(state)
    guarded = flag.is_guarded and wanted != State.OFF
    form = ConfirmForm(sent_to(request), protected=guarded, name=flag.name)
    if request.method != "POST" or (guarded and not form.is_valid()):
        return _asked(request, flag, wanted, form)
    reason, typed = request.POST.get("reason", ""), request.POST.get("typed_name", "")
    switched = services.switch(actor_of(request), flag, wanted, reason, typed)
    if isinstance(switched, PendingChange):
        return done(request, switched.text, to=part_url(flag), link_url=audit_url(flag), level="warn")
    return done(
        request,
        _SAID[wanted].format(flag.name),
        to=reverse("flags:list"),
        undo_url="" if flag.is_guarded else reverse("flags:state", args=[flag_id, flag.state]),
        link_url=audit_url(flag),
    )


def _asked(request: HttpRequest, flag: Flag, wanted: State, form: ConfirmForm) -> HttpResponse:
    """A switch in a list posts at once: where the change is to be confirmed, the dialog opens instead."""
    if request.method == "POST" and "reason" not in request.POST:
        form = ConfirmForm(protected=True, name=flag.name)
    response = ask(request, _question(flag, wanted), form)
    if request.method == "POST":
        response.status_code = 422
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#dialog-body", "innerHTML"
    return response


def _question(flag: Flag, state: State) -> Question:
    everyone = ["Every user gets it, whatever its rules and percentage say."] if state == State.ON else []
    reach = f"Takes effect within a second; backend processes that follow now: {followers().total}."
    return Question(
        f"{flag.name}: {state.label.lower()}?",
        action=reverse("flags:state", args=[flag.pk, state]),
        back=part_url(flag),
        effect=of_state(flag, state),
        notes=[*everyone, reach],
        confirm=state.label,
        tone="danger" if state == State.ON else "primary",
    )


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_archive(request: HttpRequest, flag_id: int) -> HttpResponse:
    """GET asks, with what the flag answers now; POST archives, with Undo."""
    flag = queries.flag(flag_id)
    form = ConfirmForm(sent_to(request), protected=flag.is_guarded, name=flag.name)
    if request.method != "POST" or (flag.is_guarded and not form.is_valid()):
        return ask(request, _archive_question(flag), form)
    given = request.POST
    services.archive(actor_of(request), flag_id, given.get("reason", ""), given.get("typed_name", ""))
    return done(
        request,
        f"{flag.name} is archived: code that asks for it gets its default.",
        to=reverse("flags:list"),
        undo_url="" if flag.is_guarded else reverse("flags:restore", args=[flag_id]),
        link_url=audit_url(flag),
    )


def _archive_question(flag: Flag) -> Question:
    return Question(
        f"Archive {flag.name}?",
        action=reverse("flags:archive", args=[flag.pk]),
        back=part_url(flag, "settings"),
        effect="Code that still asks for it gets its own default, within a second.",
        notes=of_archive(flag),
        confirm="Archive",
        tone="danger",
    )


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def flag_restore(request: HttpRequest, flag_id: int) -> HttpResponse:
    flag = queries.flag(flag_id)
    form = ConfirmForm(sent_to(request), protected=flag.is_guarded, name=flag.name)
    if request.method != "POST" or (flag.is_guarded and not form.is_valid()):
        return ask(request, _restore_question(flag), form)
    given = request.POST
    services.restore(actor_of(request), flag_id, given.get("reason", ""), given.get("typed_name", ""))
    return done(request, f"{flag.name} is in force again.", to=part_url(flag), link_url=audit_url(flag))


def _restore_question(flag: Flag) -> Question:
    return Question(
        f"Restore {flag.name}?",
        action=reverse("flags:restore", args=[flag.pk]),
        back=part_url(flag, "settings"),
        effect=f"It is in force again as it was: {flag.state.label.lower()}.",
        confirm="Restore",
    )
