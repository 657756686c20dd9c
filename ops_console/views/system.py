"""The platform: processes, outbox, periodic tasks, migrations, and what is misconfigured."""

from django.conf import settings
from django.core import checks
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from incidents.operations.progress import outbox_depth_and_age
from ops_console.access.throttle import cache_warning
from ops_console.contract.apply import unapplied_migrations
from ops_console.contract.queries import instances, revision
from ops_console.telemetry import task_runs
from ops_console.web import PanelReader, page


@require_GET
def system(request: HttpRequest) -> HttpResponse:
    reader = PanelReader()
    context = {
        "revision": reader.panel("revision", revision),
        "instances": reader.panel("instances", lambda: list(instances())),
        "outbox": reader.panel("outbox", outbox_depth_and_age),
        "tasks": reader.panel("tasks", task_runs.overview),
        "migrations": reader.panel("migrations", unapplied_migrations),
        "database_version": reader.panel("database_version", _database_version),
        "problems": reader.panel("configuration", misconfigured),
    }
    return page(request, "console/system.html", context)


def misconfigured() -> list[checks.CheckMessage]:
    """Django's and our own checks of warning level and above, and what only a running system can tell."""
    found = [
        message for message in checks.run_checks() if message.level >= checks.WARNING and not message.is_silenced()
    ]
    if warning := cache_warning():
        hint = "Celery takes no work until it is back; what operators started waits in the database and is not lost."
        found.append(checks.Warning(warning, hint=hint, id="system.W001"))
    if not settings.SESSION_COOKIE_SECURE:
        found.append(
            checks.Warning("HTTPS is off.", hint="Right for a demo on loopback, and nowhere else.", id="system.W002")
        )
    return found


def _database_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])
