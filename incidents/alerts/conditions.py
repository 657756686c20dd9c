"""What can be wrong, each a look at the database: everything found, or why nothing can be known.

A new one is a function and a line in CONDITIONS; its rule is made with the defaults given there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from incidents.breakers import queries as breakers
from incidents.operations.progress import outbox_depth_and_age
from incidents.sweep import queries as sweep
from ops_console.contract.models import Instance
from ops_console.contract.queries import State
from ops_console.errors import ConsoleError
from ops_console.web.formatting import duration


class NoData(ConsoleError):
    """Nothing can be known at the moment: neither well nor wrong."""

    code = "no_data"


@dataclass(frozen=True)
class Found:
    """One thing that is wrong: told apart by `subject`, with its value, a sentence, and where to look."""

    subject: str
    value: float
    summary: str
    url: str


@dataclass(frozen=True)
class Condition:
    """`look(limit)` gives what is wrong. `explains` has the limit's place as {}; the rest are its rule's defaults."""

    title: str
    explains: str
    unit: str
    look: Callable[[float], Iterator[Found]]
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


def dead_letters(limit: float) -> Iterator[Found]:
    """Commands that were given up, more than so many."""
    dead = outbox_depth_and_age().dead
    if dead > limit:
        what = "1 command was" if dead == 1 else f"{dead:,} commands were"
        summary = f"{what} given up: no backend carried out what it was offered eight times."
        yield Found("", dead, summary, reverse("operations:dead"))


def old_outbox(limit: float) -> Iterator[Found]:
    """The oldest command that waits has waited for longer than so many seconds."""
    outbox = outbox_depth_and_age()
    if outbox.oldest_at is None:
        return
    seconds = (timezone.now() - outbox.oldest_at).total_seconds()
    if seconds > limit:
        summary = f"{outbox.depth:,} commands wait; the oldest for {duration(seconds)}. Does any backend take them?"
        yield Found("", seconds, summary, reverse("system"))


def silent_fleets(limit: float) -> Iterator[Found]:
    """Services without a live process, in which one crashed or fell silent more than so many seconds ago.

    A process that ended cleanly is no fault, and one that was replaced by a later start is none any more.
    Raises NoData while no backend is known at all.
    """
    now = timezone.now()
    backends = Instance.objects.filter(kind="backend", seen_at__gte=now - timedelta(days=1))
    if not backends.exists():
        raise NoData("No backend has reported in the last day.")
    replaced = backends.filter(service=OuterRef("service"), started_at__gt=OuterRef("seen_at"))
    live = backends.filter(standing__state=State.LIVE).values("service")
    lost = backends.filter(~Exists(replaced), standing__state__in=[State.CRASHED, State.SILENT])
    services = (
        lost.exclude(service__in=live)
        .values("service")
        .annotate(last=Max("seen_at"), silent=Count("pk", filter=Q(standing__state=State.SILENT)))
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


CONDITIONS: dict[str, Condition] = {
    "mass_stop": Condition(
        "A mass stop", "The sweep stopped before more than {} operations", "operations", mass_stops, 0
    ),
    "breaker_open": Condition(
        "A breaker stays open", "A provider's breaker has been open for longer than {}", "seconds", open_breakers, 300
    ),
    "dead_letters": Condition(
        "Dead letters", "More than {} commands were given up", "commands", dead_letters, 0, keep_firing_seconds=0
    ),
    "outbox_old": Condition(
        "The outbox grows old", "The oldest command waits for longer than {}", "seconds", old_outbox, 120
    ),
    "workers_silent": Condition(
        "A silent worker fleet",
        "All processes of a service are silent or crashed for longer than {}",
        "seconds",
        silent_fleets,
        120,
    ),
}
