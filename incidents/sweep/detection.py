"""What a sweep finds, and whether it is a mass stop: then a person decides, and nothing is failed."""

from dataclasses import dataclass
from statistics import median

from django.utils import timezone

from incidents.operations.queries import scan_ids
from incidents.operations.scope import Scope
from incidents.operations.signs import ended_cleanly, is_alive, newest_sign
from incidents.operations.sources import source_of
from incidents.sweep.models import Arming, Run
from ops_console.web.formatting import duration

# Suspected rows wait this many times as long as dead ones.
SUSPECTED_FACTOR = 3
# So few at once are never a mass stop, and so few dead ones say nothing of their workers.
LEAST_MASS = 100
LEAST_SILENT = 10
FAR_MORE = 5
RUNS_REMEMBERED = 168


@dataclass(frozen=True)
class Found:
    """Counts, a few ids, and the scopes that hold exactly these operations."""

    dead: int
    suspected: int
    scopes: tuple[Scope, Scope]
    first_ids: list[str]

    @property
    def total(self) -> int:
        return self.dead + self.suspected


def detect(kind: str) -> Found:
    """Count what is stuck now, by evidence. Raises SourceUnavailable, NotFound."""
    moment = timezone.now()
    waited_seconds = source_of(kind).stuck_after_seconds * SUSPECTED_FACTOR
    dead = Scope(kind, evidence="dead", as_of=moment)
    suspected = Scope(kind, evidence="suspected", older_than_seconds=waited_seconds, as_of=moment)
    (dead_count, dead_ids), (suspected_count, suspected_ids) = _counted(dead), _counted(suspected)
    return Found(dead_count, suspected_count, (dead, suspected), (dead_ids + suspected_ids)[:5])


def _counted(scope: Scope) -> tuple[int, list[str]]:
    count = 0
    first: list[str] = []
    for ids in scan_ids(scope):
        count += len(ids)
        first += ids[: 5 - len(first)]
    return count, first


def usual_most(kind: str) -> int:
    """How many at once are still usual: what an admin said, else far above the median of the runs before."""
    arming = Arming.objects.filter(kind=kind).first()
    if arming and arming.most is not None:
        return arming.most
    runs = Run.objects.filter(kind=kind).exclude(result=Run.Result.MASS_STOP).order_by("-id")[:RUNS_REMEMBERED]
    before = [run.found for run in runs]
    return max(LEAST_MASS, int(FAR_MORE * median(before)) if before else 0)


def mass_stop(kind: str, found: Found, most: int) -> str:
    """Why this looks like a mass stop; "" if it does not."""
    if found.total > most:
        return f"{found.total:,} are stuck at once; the limit is {most:,}."
    source = source_of(kind)
    if found.dead < LEAST_SILENT or is_alive(source):
        return ""
    newest = newest_sign(source)
    ago = f"the last sign of life came {duration((timezone.now() - newest).total_seconds())} ago" if newest else "none"
    what = "were stopped" if ended_cleanly(source) else "have gone silent"
    return f"All workers that held the {found.dead:,} dead ones {what}: {ago}."
