"""Health for load balancers and monitors: no sign-in, no detail, answered before sessions, hosts and redirects.

`/livez`: this process runs; no database is asked. `/readyz`: it can serve pages (database, migrations).
`/health`: the whole console, also its cache, worker, beat, periodic tasks and alert rules. 503 on failure; each check
has a second.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable

from incidents.alerts.queries import is_evaluated
from ops_console.contract.apply import unapplied_migrations
from ops_console.contract.models import Instance
from ops_console.telemetry.task_runs import late_tasks

SILENT_SECONDS = 30
# Threads of its own: a check that hangs must neither keep an answer waiting nor starve the pages.
_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="health")


@dataclass
class TimedCheck(HealthCheck):  # the package has no types
    """A check in a thread, with its database connection given back. The base class adds a second to `timeout`."""

    timeout = timedelta(0)
    title: ClassVar[str]

    def run(self) -> None:
        try:
            self.look()
        finally:
            connection.close()

    def look(self) -> None:
        """Raise when something is wrong; what is raised goes to the log, not to the asker."""
        raise NotImplementedError


class Database(TimedCheck):
    title = "database"

    def look(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


class Migrations(TimedCheck):
    title = "migrations"

    def look(self) -> None:
        if waiting := unapplied_migrations():
            raise ServiceUnavailable(f"{len(waiting)} migrations are not applied")


class Cache(TimedCheck):
    title = "cache"

    def look(self) -> None:
        cache.set("ops:health", "ok", 10)
        if cache.get("ops:health") != "ok":
            raise ServiceUnavailable("what was just written cannot be read")


class Worker(TimedCheck):
    title = "worker"

    def look(self) -> None:
        _require_process("worker")


class Beat(TimedCheck):
    title = "beat"

    def look(self) -> None:
        _require_process("beat")


class Schedule(TimedCheck):
    """Beat and worker can both live and still run nothing: with a broken schedule, or with a queue that stands."""

    title = "schedule"

    def look(self) -> None:
        if late := late_tasks():
            raise ServiceUnavailable(f"these periodic tasks are late: {', '.join(late)}")


class Alerts(TimedCheck):
    """The evaluation of alert rules can stand while its task runs; no alert would tell of that."""

    title = "alerts"

    def look(self) -> None:
        if not is_evaluated():
            raise ServiceUnavailable("no alert rule has been evaluated for a minute")


def _require_process(kind: str) -> None:
    since = timezone.now() - timedelta(seconds=SILENT_SECONDS)
    seen = Instance.objects.filter(kind=kind, service="ops-console", seen_at__gt=since)
    if not seen.filter(ended_at=None).exists():
        raise ServiceUnavailable(f"no {kind} was seen for {SILENT_SECONDS} s, or all were stopped")


READY: tuple[type[TimedCheck], ...] = (Database, Migrations)
ALL: tuple[type[TimedCheck], ...] = (*READY, Cache, Worker, Beat, Schedule, Alerts)
PATHS: dict[str, Sequence[type[TimedCheck]]] = {"/livez": (), "/readyz": READY, "/health": ALL}


# Runs that have not ended, by event loop: all who ask meanwhile wait for the same one.
_running: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Sequence[type[TimedCheck]], asyncio.Task[dict[str, str]]]]
_running = WeakKeyDictionary()


async def answer(checks: Sequence[type[TimedCheck]]) -> HttpResponse:
    """Which checks failed, and nothing more. However many ask, and nobody has to sign in, they run once at a time."""
    here = _running.setdefault(asyncio.get_running_loop(), {})
    if checks not in here or here[checks].done():
        here[checks] = asyncio.create_task(_run(checks))
    states = await asyncio.shield(here[checks])
    failed = "failing" in states.values()
    body = {"status": "failing" if failed else "ok", "checks": states}
    return JsonResponse(body, status=503 if failed else 200, headers={"Cache-Control": "no-store"})


async def _run(checks: Sequence[type[TimedCheck]]) -> dict[str, str]:
    results = await asyncio.gather(*(check().get_result(_THREADS) for check in checks))
    return {check.title: "failing" if r.error else "ok" for check, r in zip(checks, results, strict=True)}


class HealthMiddleware:
    """First of all middleware: a probe names no host of ours, has no session and must not be redirected."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        checks = PATHS.get(request.path) if request.method in ("GET", "HEAD") else None
        if checks is None:
            return self.get_response(request)
        return answer(checks) if iscoroutinefunction(self) else async_to_sync(answer)(checks)
