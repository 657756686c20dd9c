"""Who follows the configuration, and how far behind they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, Count, F, Max, Q, QuerySet, Subquery, When, Window
from django.db.models.functions import Now

from ops_console.compiled import compiled, statement_of, totals
from ops_console.contract.models import Instance, InstanceState, Process, Revision
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset, Page

State = InstanceState.State
# How long a process counts as live after its last report, as `ops_v1.instance` has it: bounds what has to be read.
ALIVE_SECONDS = 15
# A process that ended, or was lost and replaced, stays on the System page for so long.
SHOWN_SECONDS = 3600
SHOWN_BEHIND = 5
SHOWN_ON_OVERVIEW = 10
SHOWN_SERVICES = 50

LOST = Q(state__in=(State.CRASHED, State.SILENT))
# Lost and not replaced: shown until an operator removes it.
MISSING = LOST & Q(replaced=False)
# What needs attention comes first.
PROCESSES = Keyset(Key("rank", "int"), Key("service"), Key("id", "uuid"), size=50)
_TABS = {
    "": Q(),
    "lost": MISSING,
    "behind": Q(behind=True),
    "problems": Q(state=State.LIVE) & ~Q(problems=[]),
    "live": Q(state=State.LIVE),
    "ended": Q(state=State.ENDED) | LOST & Q(replaced=True),
}


@dataclass(frozen=True)
class Followers:
    """Counts of live backend processes, and what is known where there is none.

    `applied` have the newest revision; `behind` lack one that has had the time to propagate. `lost` crashed or fell
    silent and were not replaced, the last of them seen at `lost_at`; `stopped_at` is when the last process that ended
    cleanly was seen. `first` are some processes, those that need attention at the top.
    """

    revision: int
    changed_at: datetime | None
    total: int
    applied: int
    behind_count: int
    behind: list[Process]
    lost: int
    lost_at: datetime | None
    stopped_at: datetime | None
    first: list[Process]


@dataclass(frozen=True)
class Service:
    """The processes of one service and kind: counts by state, versions in use, and when one was last seen."""

    name: str
    kind: str
    live: int
    behind: int
    lost: int
    ended: int
    versions: list[str]
    seen_at: datetime


def revision() -> Revision:
    """The newest revision."""
    return Revision.objects.get()


def instances(seconds: float = SHOWN_SECONDS) -> QuerySet[Instance]:
    """Processes that reported within so many seconds, with `lag` in revisions and their `state`."""
    newest = Subquery(Revision.objects.values("revision"))
    return (
        Instance.objects.filter(seen_at__gte=Now() - timedelta(seconds=seconds))
        .annotate(lag=newest - F("revision"), state=F("standing__state"))
        .order_by("kind", "service", "-seen_at")
    )


def live_instances() -> QuerySet[Instance]:
    """Processes that report and have not ended, of any kind; as `instances`."""
    return instances(ALIVE_SECONDS).filter(standing__state=State.LIVE)


def processes(tab: str = "", service: str = "") -> QuerySet[Any]:
    """Processes for the System page, with `rank` for the order: live ones, what ended or was replaced within the last
    hour, and what was lost without replacement, however long ago.
    """
    recent = Q(seen_at__gte=Now() - timedelta(seconds=SHOWN_SECONDS))
    found = Process.objects.filter(recent | MISSING).filter(_TABS.get(tab, Q()))
    rank = Case(
        When(MISSING, then=0),
        When(Q(behind=True) | _TABS["problems"], then=1),
        When(state=State.LIVE, then=2),
        default=3,
    )
    return (found.filter(service=service) if service else found).annotate(rank=rank)


def process_counts(service: str = "") -> dict[str, int]:
    """How many processes each tab of the System page holds; one query."""
    [numbers] = _counted_tabs(service)
    return dict(zip(_TABS, numbers, strict=True))


@compiled
def _counted_tabs(service: str) -> QuerySet[Any]:
    return totals(processes(service=service), [Count("pk", filter=condition) for condition in _TABS.values()])


def process_page(tab: str, service: str, cursor: str) -> Page[Process]:
    """One page of `processes`. Raises InvalidInput."""
    return PROCESSES.cut(list(Process.objects.raw(*_start_of_processes(tab, service, cursor))), cursor)


@statement_of
def _start_of_processes(tab: str, service: str, cursor: str) -> QuerySet[Any]:
    return PROCESSES.start(processes(tab, service), cursor)


def services(name: str = "") -> list[Service]:
    """Processes by service and kind, services with lost processes first; at most SHOWN_SERVICES of them."""
    return [Service(*row) for row in _services(name)]


@compiled
def _services(name: str) -> QuerySet[Any]:
    columns = {
        "live": Count("pk", filter=_TABS["live"]),
        "behind_count": Count("pk", filter=_TABS["behind"]),
        "lost": Count("pk", filter=MISSING),
        "ended": Count("pk", filter=_TABS["ended"]),
        "versions": ArrayAgg("version", distinct=True, filter=_TABS["live"] & ~Q(version=""), default=[]),
        "last_at": Max("seen_at"),
    }
    found = processes(service=name).values("service", "kind").annotate(**columns).order_by("-lost", "kind", "service")
    return found.values_list("service", "kind", *columns)[:SHOWN_SERVICES]


def process(process_id: UUID) -> Process:
    """One process. Raises NotFound."""
    found = Process.objects.filter(pk=process_id).first()
    if found is None:
        raise NotFound("There is no such process; it was removed, or its retention has ended.")
    return found


def followers(shown: int = 0) -> Followers:
    """How many live backend processes have applied the newest revision, who is behind, and who was lost.

    Two queries, and one more for the `shown` processes.
    """
    newest = revision()
    rows = list(Process.objects.raw(*_counted_backends()))
    counts: dict[str, Any] = {
        name: getattr(rows[0], f"all_{name}") if rows else empty for name, empty in _COUNTS.items()
    }
    behind = [each for each in rows if each.behind]
    first = list(processes().filter(kind="backend").order_by("rank", "service", "pk")[:shown]) if shown else []
    return Followers(newest.revision, newest.changed_at, behind=behind, first=first, **counts)


_COUNTS: dict[str, int | None] = {
    "total": 0,
    "applied": 0,
    "behind_count": 0,
    "lost": 0,
    "lost_at": None,
    "stopped_at": None,
}


@statement_of
def _counted_backends() -> QuerySet[Any]:
    """The first backend processes, those behind at the top, each with the _COUNTS of all of them (`all_total`)."""
    counts = {
        "total": Count("pk", filter=_TABS["live"]),
        "applied": Count("pk", filter=_TABS["live"] & Q(applied=True)),
        "behind_count": Count("pk", filter=_TABS["behind"]),
        "lost": Count("pk", filter=MISSING),
        "lost_at": Max("seen_at", filter=MISSING),
        "stopped_at": Max("seen_at", filter=_TABS["ended"]),
    }
    found = Process.objects.filter(kind="backend").annotate(
        **{f"all_{name}": Window(each) for name, each in counts.items()}
    )
    return found.order_by("-behind", "service", "pk")[:SHOWN_BEHIND]
