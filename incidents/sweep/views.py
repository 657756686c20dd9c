"""The sweep: which kinds it may fail, its runs, and the report of one."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from incidents.operations import progress
from incidents.operations.sources import source_of
from incidents.sweep import queries, services
from incidents.sweep.detection import SUSPECTED_FACTOR, Found, detect
from incidents.sweep.forms import ArmForm
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role
from ops_console.access.step_up import reauthenticated
from ops_console.audit.queries import last_entries
from ops_console.web import Question, ask, done, page
from ops_console.web.formatting import duration


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    context = {
        "kinds": queries.kinds(),
        "kind": kind,
        "page": queries.RUNS.page(queries.runs(kind), request.GET.get("cursor", "")),
    }
    return page(request, "sweep/overview.html", context)


@require_GET
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    run = queries.run(run_id)
    context = {
        "run": run,
        "progress": progress.progress_of(run.action_id),
        "notices": progress.notice_counts(run.action_id),
        "entries": last_entries("sweep", run.kind, 10),
    }
    return page(request, "sweep/run.html", context)


@role_required(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
@reauthenticated
def arm(request: HttpRequest, kind: str) -> HttpResponse:
    """Ask with what it would fail now, then arm."""
    form = ArmForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return ask(request, _question(kind), form)
    given = form.cleaned_data
    services.arm(actor_of(request), kind, given["most"], given["reason"])
    return done(request, f"The sweep of {kind} is armed: it fails what is stuck, once an hour.", to=_home())


@require_POST
def disarm(request: HttpRequest, kind: str) -> HttpResponse:
    services.disarm(actor_of(request), kind)
    return done(request, f"The sweep of {kind} is a dry run again.", to=_home(), level="info")


def _question(kind: str) -> Question:
    source, found = source_of(kind), detect(kind)
    waited = duration(source.stuck_after_seconds * SUSPECTED_FACTOR)
    stops = services.mass_stop(kind, found, services.usual_most(kind))
    notes = [
        f"Dead operations are failed after {duration(source.stuck_after_seconds)}, suspected ones after {waited}.",
        "Users are notified, with one email per user and run. A whole run can be reverted at once.",
    ]
    return Question(
        f"Let the sweep fail stuck {source.plural}?",
        action=reverse("sweep:arm", args=[kind]),
        back=_home(),
        effect=f"{_found(found)} A run now would fail {'all of them' if found.total and not stops else 'none'}.",
        notes=[f"Reason: {stops}", *notes] if stops else notes,
        confirm="Arm",
        tone="danger",
    )


def _found(found: Found) -> str:
    return f"{found.total:,} are past their limit: {found.dead:,} dead and {found.suspected:,} suspected."


def _home() -> str:
    return reverse("sweep:overview")
