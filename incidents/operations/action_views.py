"""Actions under way and done, what became of each operation, and commands that were given up."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from incidents.operations import progress, services
from incidents.operations.forms import RateForm, ReasonForm
from incidents.operations.models import Action, Verb
from incidents.operations.sources import SOURCES
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.errors import InvalidInput
from ops_console.web import Question, ask, csv_response, done, page
from ops_console.web.formatting import duration, grouped


@require_GET
def action_list(request: HttpRequest) -> HttpResponse:
    found = progress.ACTIONS.page(progress.actions(), request.GET.get("cursor", ""))
    return page(request, "operations/actions.html", {"page": found, "rows": progress.progress(found.rows)})


@require_GET
def action_page(request: HttpRequest, action_id: int) -> HttpResponseBase:
    found = progress.action_progress(action_id)
    if request.GET.get("format") == "csv":
        header = ["operation_id", "outcome", "detail"]
        return csv_response(request, f"outcomes-{action_id}", header, progress.outcome_rows(found.action))
    context = {
        "progress": found,
        "action": found.action,
        "source": SOURCES.get(found.action.kind),
        "detail": _detail(found),
        "meant": _meant(found.action),
        "figures": [(label, grouped(number)) for label, number in _figures(found)],
        "reasons": progress.reasons(action_id),
        "outcomes": progress.outcomes(action_id)[:20],
        "first_ids": progress.first_ids(found.action),
        "rate_form": RateForm(initial={"rate_per_second": found.action.rate_per_second}),
        "can_take_back": services.can_take_back(found.action) and found.to_take_back,
        "entries": last_entries("action", str(action_id), 10),
    }
    return page(request, "operations/action.html", context)


@require_POST
def cancel(request: HttpRequest, action_id: int) -> HttpResponse:
    action = services.cancel(actor_of(request), action_id)
    said = "taken back: nothing was done." if action.started_at is None else "cancelled: what was done stays done."
    return done(request, f"{action.label}: {said}", to=_url(action_id), level="info")


@require_POST
def pause(request: HttpRequest, action_id: int) -> HttpResponse:
    action = services.pause(actor_of(request), action_id)
    return done(request, f"{action.label} is paused.", to=_url(action_id), level="info")


@require_POST
def resume(request: HttpRequest, action_id: int) -> HttpResponse:
    action = services.resume(actor_of(request), action_id)
    return done(request, f"{action.label} goes on.", to=_url(action_id))


@require_POST
def set_rate(request: HttpRequest, action_id: int) -> HttpResponse:
    form = RateForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("rate_per_second", f"rate_per_second: {form.errors['rate_per_second'][0]}")
    rate = form.cleaned_data["rate_per_second"]
    action = services.set_rate(actor_of(request), action_id, rate)
    said = f"goes at {rate:g} a second from now on." if rate else "goes as fast as it can from now on."
    return done(request, f"{action.label} {said}", to=_url(action_id))


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: HttpRequest, action_id: int) -> HttpResponse:
    """Ask with the number, then undo what was done by an action of its own."""
    found = progress.action_progress(action_id)
    form = ReasonForm(request.POST or None, needed=True)
    if request.method != "POST" or not form.is_valid():
        return ask(request, _taking_back(found), form)
    action = services.take_back(actor_of(request), action_id, form.cleaned_data["reason"])
    return done(request, f"{action.label}: begins soon.", to=_url(action.pk), undo_url=_cancel_url(action.pk))


def _taking_back(found: progress.Progress) -> Question:
    action = found.action
    loses = ", and lose the reason of the failure" if action.verb == Verb.FAIL else ""
    return Question(
        f"Take back: {action.label}?",
        action=reverse("operations:take_back", args=[action.pk]),
        back=_url(action.pk),
        effect=f"{found.to_take_back:,} get the status back that they had before{loses}.",
        notes=[
            "What has moved on since is left as it is, and so is what a backend has carried out.",
            "Who was notified stays notified; mails that are still due are withheld.",
        ],
        confirm=f"Take back {found.to_take_back:,}",
        tone="danger",
    )


@require_GET
def dead_letters(request: HttpRequest) -> HttpResponse:
    found = progress.DEAD_LETTERS.page(progress.dead_letters(), request.GET.get("cursor", ""))
    context = {"page": found, "outbox": progress.outbox_depth_and_age()}
    return page(request, "operations/dead.html", context)


@require_POST
def send_again(request: HttpRequest, command_id: int) -> HttpResponse:
    services.send_again(actor_of(request), command_id)
    return done(request, "Queued again, with eight fresh attempts.", to=reverse("operations:dead"))


def _figures(found: progress.Progress) -> list[tuple[str, int]]:
    """What release did and, where there were commands, what the backend made of them."""
    released = [
        ("Changed", found.changed),
        ("Finished meanwhile", found.finished_meanwhile),
        ("Locked", found.locked),
        ("Ineligible", found.ineligible),
    ]
    if found.action.is_open:
        released.append(("Left", found.left))
    taken = [("Taken up", found.handled), ("Refused", found.refused), ("Not taken up yet", found.awaited)]
    return released + taken if found.commanded else released


def _meant(action: Action) -> str:
    """How many it is about. Nobody knows before it is frozen, nor when it was cancelled before."""
    if action.state == Action.State.FREEZING:
        return "being counted"
    return grouped(action.total) if action.total else "never counted"


def _detail(found: progress.Progress) -> str:
    """Rate and time left, where they mean something."""
    rate, left = found.rate_per_second, found.seconds_left
    moves = found.action.state in (Action.State.RUNNING, Action.State.DONE) and found.action.total > 1
    parts = [f"{rate:,.{0 if rate >= 1 else 2}f} a second" if rate and moves else ""]
    parts.append(f"{duration(left)} left" if left and found.left else "")
    return ", ".join(filter(None, parts))


def _cancel_url(action_id: int) -> str:
    return reverse("operations:cancel", args=[action_id])


def _url(action_id: int) -> str:
    return reverse("operations:action", args=[action_id])
