"""Who follows the configuration, and how far behind they are."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet, Subquery
from django.utils import timezone

from ops_console.contract.models import Instance, InstanceState, Revision

State = InstanceState.State
# How long a process counts as live after its last report, as `ops_v1.instance` has it: bounds what has to be read.
ALIVE_SECONDS = 15
# Ended processes stay on the System page for a while, so that a crash can be seen.
SHOWN_SECONDS = 3600


@dataclass(frozen=True)
class Followers:
    """Live backend processes, and those of them that have not applied the newest revision."""

    revision: int
    changed_at: datetime | None
    live: list[Instance]
    behind: list[Instance]

    @property
    def total(self) -> int:
        return len(self.live)

    @property
    def applied(self) -> int:
        return self.total - len(self.behind)


def revision() -> Revision:
    """The newest revision."""
    return Revision.objects.get(pk=1)


def instances(seconds: float = SHOWN_SECONDS) -> QuerySet[Instance]:
    """Processes that reported within so many seconds, with `lag` in revisions and their `state`."""
    newest = Subquery(Revision.objects.filter(pk=1).values("revision")[:1])
    now = timezone.now()
    return (
        Instance.objects.filter(seen_at__gte=now - timedelta(seconds=seconds))
        .annotate(lag=newest - F("revision"), state=F("standing__state"))
        .order_by("kind", "service", "-seen_at")
    )


def live_instances() -> QuerySet[Instance]:
    """Processes that report and have not ended, of any kind; as `instances`."""
    return instances(ALIVE_SECONDS).filter(state=State.LIVE)


def followers() -> Followers:
    """How many live backend processes have applied the newest revision, and who has not; two queries."""
    newest = revision()
    live = list(live_instances().filter(kind="backend"))
    behind = [instance for instance in live if instance.revision != newest.revision]
    return Followers(newest.revision, newest.changed_at, live, behind)
