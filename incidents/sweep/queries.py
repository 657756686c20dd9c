"""What the sweep's pages show."""

from dataclasses import dataclass

from django.db.models import QuerySet

from incidents.operations.queries import unavailable
from incidents.operations.sources import Source, all_sources
from incidents.sweep.detection import usual_most
from incidents.sweep.models import Arming, Run
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

RUNS = Keyset(Key("id", "int", descending=True), size=50)


@dataclass(frozen=True)
class KindState:
    """A kind as the sweep sees it: armed or not, its last run, and why it cannot be swept here ("" if it can)."""

    source: Source
    arming: Arming | None
    last: Run | None
    most: int
    problem: str


def kinds() -> list[KindState]:
    """Every kind, the armed ones first."""
    armings = {arming.kind: arming for arming in Arming.objects.all()}
    last = {run.kind: run for run in Run.objects.order_by("kind", "-id").distinct("kind")}
    states = [
        KindState(source, armings.get(kind), last.get(kind), usual_most(kind), unavailable(source))
        for kind, source in all_sources().items()
    ]
    return sorted(states, key=lambda state: (not (state.arming and state.arming.armed), state.source.kind))


def runs(kind: str = "") -> QuerySet[Run]:
    """The runs that found something, of all kinds or of one; for a list in keyset pages (`RUNS`)."""
    found = Run.objects.exclude(result=Run.Result.NOTHING)
    return found.filter(kind=kind) if kind else found


def run(run_id: int) -> Run:
    """One run. Raises NotFound."""
    found = Run.objects.filter(pk=run_id).first()
    if found is None:
        raise NotFound(f"There is no run {run_id} of the sweep.")
    return found


def mass_stops() -> list[Run]:
    """Kinds whose newest run was a mass stop."""
    newest = Run.objects.order_by("kind", "-id").distinct("kind")
    return [run for run in newest if run.result == Run.Result.MASS_STOP]
