"""Actions under way and done, what became of each operation, and commands that were given up."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from incidents.operations import progress, services
from incidents.operations.forms import RateForm, ReasonForm
from incidents.operations.models import Action, Outcome, Verb
from incidents.operations.sources import SOURCES
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.audit.queries import last_entries
from ops_console.errors import InvalidInput
from ops_console.web import Question, Toast, ask, csv_response, done, page
from ops_console.web.formatting import duration, grouped
from ops_console.web.tabs import query_url

_OUTCOMES_ANCHOR = "#action-outcomes"


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
    names = {"outcome": "outcome", "detail": "why"}
    narrowed = {name: request.GET.get(param, "").replace("\0", "") for name, param in names.items()}
    outcomes, reasons = progress.outcomes(action_id, **narrowed), progress.reasons(action_id)
    context = {
        "progress": found,
        "action": found.action,
        "source": SOURCES.get(found.action.kind),
        "detail": _detail(found),
        "meant": _meant(found.action),
        "figures": [
            (label, grouped(number), _narrowed_url(request, outcome) if outcome and number else "")
            for label, number, outcome in _figures(found)
        ],
        "reasons": [(row, _narrowed_url(request, row["outcome"], row["detail"])) for row in reasons],
        "outcomes": progress.OUTCOMES.page(outcomes, request.GET.get("cursor", "")),
        "narrowed": " ".join(filter(None, [narrowed["outcome"].replace("_", " "), narrowed["detail"]])),
        "all_outcomes": _narrowed_url(request, ""),
        "first_ids": progress.first_ids(found.action),
        "rate_form": RateForm(initial={"rate_per_second": found.action.rate_per_second}),
        "can_take_back": services.can_take_back(found.action) and found.to_take_back,
        "entries": last_entries("action", str(action_id), 10),
    }
    return page(request, "operations/action.html", context)


@require_GET
def action_end(request: HttpRequest, action_id: int) -> HttpResponse:
    """For the browser that an action was started in: whether it is over, and the notice of what came of it."""
    found = progress.action_progress(action_id)
    if found.action.is_open:
        return JsonResponse({"ended": False})
    notice = _end_notice(found)
    return JsonResponse({"ended": True, "notice": asdict(notice) if notice else None})


def _end_notice(found: progress.Progress) -> Toast | None:
    """The numbers of a bulk; of a single operation only why it was skipped; nothing of what never began."""
    action = found.action
    if action.started_at is None or (action.total == 1 and not found.skipped):
        return None
    if action.total == 1:
        outcome = progress.outcomes(action.pk).first()
        said = f"skipped. {outcome.detail if outcome else ''}".strip()
    else:
        state = "finished" if action.state == Action.State.DONE else "cancelled"
        said = f"{state}. {found.changed:,} changed, {found.skipped:,} skipped."
    url = f"{_url(action.pk)}{_OUTCOMES_ANCHOR if found.skipped else ''}"
    return Toast(f"{action.label}: {said}", "warn" if found.skipped else "ok", link_url=url, link_label="Outcomes")


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
    return done(
        request,
        f"{action.label}: begins soon.",
        to=_url(action.pk),
        undo_url=_cancel_url(action.pk),
        end_url=end_url(action.pk),
    )


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


def _figures(found: progress.Progress) -> list[tuple[str, int, str]]:
    """What release did and, where there were commands, what the backend made of them: label, number, and the outcome
    that narrows the page's list to these operations ("" where none does).
    """
    kinds = Outcome.Kind
    released = [
        ("Changed", found.changed, ""),
        ("Already finished", found.finished_meanwhile, kinds.FINISHED_MEANWHILE.value),
        ("Locked", found.locked, kinds.LOCKED.value),
        ("Ineligible", found.ineligible, kinds.INELIGIBLE.value),
    ]
    if found.action.is_open:
        released.append(("Left", found.left, ""))
    commands = [
        ("Accepted by backend", found.handled, ""),
        ("Refused", found.refused, kinds.REFUSED.value),
        ("Pending", found.awaited, ""),
    ]
    return released + commands if found.commanded else released


def _narrowed_url(request: HttpRequest, outcome: str, reason: str = "") -> str:
    """The page with its list of skipped and refused operations narrowed to these."""
    return f"{query_url(request, outcome=outcome, why=reason)}{_OUTCOMES_ANCHOR}"


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


def end_url(action_id: int) -> str:
    """Where the browser asks whether the action is over."""
    return reverse("operations:end", args=[action_id])


def _url(action_id: int) -> str:
    return reverse("operations:action", args=[action_id])
