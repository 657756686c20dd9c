"""Conditions of alert rules: each reads the database and gives what is wrong, or why that is not known.

A new one is a function and a line in CONDITIONS; its rule is made with the defaults given there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.db import DatabaseError
from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils import timezone

from incidents.alerts.models import Rule
from incidents.breakers import queries as breakers
from incidents.operations.branches import unavailable
from incidents.operations.counting import CAP, count
from incidents.operations.progress import outbox_depth_and_age
from incidents.operations.scope import Scope
from incidents.operations.sources import all_sources
from incidents.sweep import queries as sweep
from ops_console.approvals.models import ChangeRequest
from ops_console.contract.models import Process
from ops_console.contract.queries import MISSING, State
from ops_console.errors import ConsoleError
from ops_console.web.formatting import duration


class NoData(ConsoleError):
    """Nothing is known at the moment: neither well nor wrong."""

    code = "no_data"


@dataclass(frozen=True)
class Found:
    """One thing that is wrong: told apart by `subject`, with its value, a sentence, and where to look."""

    subject: str
    value: float
    summary: str
    url: str


@dataclass(frozen=True)
class Unknown:
    """One thing that could not be judged this time, and why: its alert stays as it is."""

    subject: str
    why: str


@dataclass(frozen=True)
class Condition:
    """`look(limit)` gives what is wrong. `explains` has the limit's place as {}; the rest are its rule's defaults."""

    title: str
    explains: str
    unit: str
    look: Callable[[float], Iterator[Found | Unknown]]
    limit: float
    for_seconds: int = 0
    keep_firing_seconds: int = 60

    def told(self, limit: float) -> str:
        """When it fires, with the limit as people say it."""
        return self.explains.format(duration(limit) if self.unit == "seconds" else f"{limit:,g}")


def open_breakers(limit: float) -> Iterator[Found]:
    """Breakers that have been open, or probing without success, for longer than so many seconds."""
    now = timezone.now()
    for breaker in breakers.not_closed():
        seconds = (now - breaker.since).total_seconds()
        if seconds > limit:
            summary = f"{breaker.name} has been {breaker.get_status_display().lower()} for {duration(seconds)}."
            yield Found(breaker.name, seconds, summary, reverse("breakers:page", args=[breaker.name]))


def stuck_operations(limit: float) -> Iterator[Found | Unknown]:
    """Kinds of which more than so many operations are stuck."""
    for kind, source in sorted(all_sources().items()):
        if unavailable(source):
            continue
        try:
            stuck = count(Scope(kind=kind), max(CAP, int(limit) + 1))
        except (ConsoleError, DatabaseError) as error:
            yield Unknown(kind, f"{kind}: {error}"[:200])
            continue
        if stuck.number is None:
            yield Unknown(kind, f"{kind}: the stuck operations were not counted in time.")
        elif stuck.number > limit:
            url = f"{reverse('operations:list')}?{urlencode({'kind': kind})}"
            yield Found(kind, stuck.number, f"{stuck.text} operations of {kind} are stuck.", url)


def dead_letters(limit: float) -> Iterator[Found]:
    """Commands that failed after all attempts, more than so many."""
    dead = outbox_depth_and_age().dead
    if dead > limit:
        what = "1 command" if dead == 1 else f"{dead:,} commands"
        yield Found("", dead, f"{what} failed after 8 attempts.", reverse("operations:dead"))


def old_outbox(limit: float) -> Iterator[Found]:
    """The oldest pending command has waited for longer than so many seconds."""
    outbox = outbox_depth_and_age()
    if outbox.oldest_at is None:
        return
    seconds = (timezone.now() - outbox.oldest_at).total_seconds()
    if seconds > limit:
        what = "1 command is" if outbox.depth == 1 else f"{outbox.depth:,} commands are"
        taken = f"{outbox.in_hand:,} of them in a handler now" if outbox.in_hand else "no process has taken one"
        summary = f"{what} pending, the oldest for {duration(seconds)}; {taken}."
        yield Found("", seconds, summary, reverse("system"))


def silent_fleets(limit: float) -> Iterator[Found]:
    """Services without a live process, in which one crashed or fell silent more than so many seconds ago.

    A process that ended cleanly is no fault, nor is one that was replaced by a later start. A lost process counts until
    an operator removes it, however long ago it was seen. Raises NoData while no backend is known at all.
    """
    now = timezone.now()
    backends = Process.objects.filter(kind="backend")
    if not backends.exists():
        raise NoData("No backend has reported.")
    services = (
        backends.values("service")
        .annotate(
            live=Count("pk", filter=Q(state=State.LIVE)),
            lost=Count("pk", filter=MISSING),
            silent=Count("pk", filter=MISSING & Q(state=State.SILENT)),
            last=Max("seen_at", filter=MISSING),
        )
        .filter(live=0, lost__gt=0)
    )
    for row in services.order_by("service"):
        seconds = (now - row["last"]).total_seconds()
        if seconds > limit:
            what = "silent" if row["silent"] else "gone without a clean end"
            summary = f"Every process of {row['service']} is {what}, the last one for {duration(seconds)}."
            yield Found(row["service"], seconds, summary, reverse("system"))


def mass_stops(limit: float) -> Iterator[Found]:
    """Kinds whose last sweep failed nothing, since more than so many were stuck at once or all workers were silent."""
    for run in sweep.mass_stops():
        if run.found > limit:
            summary = f"The sweep of {run.kind} has stopped before {run.found:,} operations. {run.detail}"
            yield Found(run.kind, run.found, summary, reverse("sweep:run", args=[run.pk]))


def broken_glass(limit: float) -> Iterator[Found]:
    """Changes that one person applied without the second one that a rule asks for, in the last so many seconds."""
    since = timezone.now() - timedelta(seconds=limit)
    for request in ChangeRequest.objects.filter(broke_glass=True, decided_at__gt=since).order_by("pk")[:100]:
        summary = f"{request.decided_by} applied “{request.summary}” without approval: {request.note}"
        yield Found(str(request.pk), 1, summary, reverse("approvals:request", args=[request.pk]))


def failing_rules(limit: float) -> Iterator[Found]:
    """Rules whose last evaluation raised an error, if they are more than so many."""
    failing = list(Rule.objects.filter(enabled=True, name__in=CONDITIONS).exclude(error="").exclude(name=RULE_FAILED))
    if len(failing) > limit:
        for rule in failing:
            summary = f"The rule {CONDITIONS[rule.name].title} cannot be evaluated: {rule.error}"
            yield Found(rule.name, 1, summary, reverse("alerts:list"))


# Evaluated after all others, so that it sees what became of them.
RULE_FAILED = "rule_failed"
CONDITIONS: dict[str, Condition] = {
    "mass_stop": Condition(
        "Sweep aborted", "The sweep stopped before more than {} operations", "operations", mass_stops, 0
    ),
    "break_glass": Condition(
        "Applied without approval",
        "A change that needs a second person was applied by one alone within {}",
        "seconds",
        broken_glass,
        24 * 3600,
    ),
    "breaker_open": Condition(
        "Breaker open too long", "A provider's breaker has been open for longer than {}", "seconds", open_breakers, 300
    ),
    "dead_letters": Condition(
        "Commands failed",
        "More than {} commands failed after 8 attempts",
        "commands",
        dead_letters,
        0,
        keep_firing_seconds=0,
    ),
    "outbox_old": Condition(
        "Command backlog", "The oldest pending command has waited for longer than {}", "seconds", old_outbox, 120
    ),
    RULE_FAILED: Condition(
        "Rule cannot be evaluated", "More than {} alert rules cannot be evaluated", "rules", failing_rules, 0
    ),
    "stuck_operations": Condition(
        "Stuck operations", "More than {} operations of a kind are stuck", "operations", stuck_operations, 100
    ),
    "workers_silent": Condition(
        "Backend down",
        "No process of a service is live, and one has been silent or crashed for longer than {}",
        "seconds",
        silent_fleets,
        120,
    ),
}
