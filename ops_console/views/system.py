"""The System page: processes, outbox, periodic tasks, seals, migrations, and configuration problems."""

from functools import cache
from itertools import chain
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import checks
from django.core.checks.registry import registry
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from incidents.operations.progress import outbox_depth_and_age
from ops_console.access.actor import actor_of
from ops_console.access.middleware import role_required
from ops_console.access.roles import Role, reaches
from ops_console.access.throttle import cache_warning
from ops_console.audit.sealing import standing
from ops_console.contract import queries, services
from ops_console.contract.apply import unapplied_migrations
from ops_console.contract.checks import boundary
from ops_console.errors import NotFound
from ops_console.telemetry import task_runs
from ops_console.web import Question, ask, done, page, panel_reader, tabs
from ops_console.web.formatting import relative
from ops_console.web.tabs import query_url

_OF_CODE = (checks.Tags.models, checks.Tags.templates, checks.Tags.urls, checks.Tags.admin)
_COMES_BACK = "A process that reports again appears again."
_TABS = [
    ("", "All"),
    ("lost", "Lost"),
    ("behind", "Behind"),
    ("problems", "With problems"),
    ("live", "Live"),
    ("ended", "Ended or replaced"),
]


@require_GET
def system(request: HttpRequest) -> HttpResponse:
    with panel_reader() as reader:
        context = {
            "may_remove": reaches(actor_of(request).role, Role.OPERATOR),
            "revision": reader.panel("revision", queries.revision),
            "services": reader.panel("services", queries.services),
            "processes": reader.panel("", lambda: _processes(request)),
            "outbox": reader.panel("outbox", outbox_depth_and_age),
            "tasks": reader.panel("tasks", task_runs.overview),
            "migrations": reader.panel("migrations", unapplied_migrations),
            "audit": reader.panel("audit", standing),
            "problems": reader.panel("configuration", misconfigured),
        }
        return page(request, "console/system.html", context)


def _processes(request: HttpRequest) -> dict[str, Any]:
    service, tab = request.GET.get("service", "").replace("\0", ""), request.GET.get("state", "")
    return {
        "service": service,
        "tabs": tabs(request, _TABS, queries.process_counts(service)),
        "page": queries.process_page(tab, service, request.GET.get("cursor", "")),
        "clear": query_url(request, service=""),
    }


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def process_remove(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Asks, then removes one process that was lost or ended."""
    if request.method == "POST":
        gone = services.remove_process(actor_of(request), process_id)
        return done(request, f"Removed process {gone.pid} of {gone.service}.", to=reverse("system"))
    found = queries.process(process_id)
    question = Question(
        f"Remove process {found.pid} of {found.service}?",
        action=request.path,
        back=reverse("system"),
        effect=f"It ran on {found.host} and last reported {relative(found.seen_at, timezone.now())}.",
        notes=[_COMES_BACK],
        confirm="Remove",
    )
    return ask(request, question)


@role_required(Role.OPERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def service_remove_lost(request: HttpRequest, kind: str, service: str) -> HttpResponse:
    """Asks, then removes all lost processes of a service."""
    if request.method == "POST":
        count = services.remove_lost(actor_of(request), service, kind)
        text = f"Removed {count:,} lost process{'es' if count > 1 else ''} of {service}."
        return done(request, text, to=reverse("system"))
    found = next((each for each in queries.services(service) if each.kind == kind), None)
    if found is None or not found.lost:
        raise NotFound(f"{service[:100]} has no lost process.")
    question = Question(
        f"Remove the lost processes of {service}?",
        action=request.path,
        back=reverse("system"),
        effect=f"{found.lost:,} crashed or silent process{'es' if found.lost > 1 else ''} will be removed.",
        notes=[_COMES_BACK, "The alert on lost processes of this service resolves."],
        confirm="Remove",
    )
    return ask(request, question)


def misconfigured() -> list[checks.CheckMessage]:
    """Django's and our own checks of warning level and above, and what only a running system can tell."""
    of_settings = [check for check in registry.get_checks() if not set(check.tags).intersection(_OF_CODE)]
    messages = [
        *_code_problems(),
        *chain.from_iterable(check(app_configs=None, databases=None) for check in of_settings),
    ]
    found = [message for message in messages if message.level >= checks.WARNING and not message.is_silenced()]
    found += [message for message in boundary(["default"]) if not message.is_silenced()]
    if warning := cache_warning():
        hint = "Celery takes no work until it is back; what operators started waits in the database and is not lost."
        found.append(checks.Warning(warning, hint=hint, id="system.W001"))
    if not settings.SESSION_COOKIE_SECURE:
        found.append(
            checks.Warning("HTTPS is off.", hint="Right for a demo on loopback, and nowhere else.", id="system.W002")
        )
    return found


@cache
def _code_problems() -> list[checks.CheckMessage]:
    """What is wrong with models, templates and addresses: the code of a process does not change."""
    return checks.run_checks(tags=_OF_CODE)
