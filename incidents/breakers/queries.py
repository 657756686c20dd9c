"""Every read that the breakers' pages and the overview need."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from incidents.breakers.models import Breaker, Mode, Override, Report, Status, Transition
from incidents.breakers.states import BreakerState, Seen
from ops_console.audit.models import Entry
from ops_console.contract.models import Instance
from ops_console.contract.queries import live_instances
from ops_console.errors import NotFound
from ops_console.telemetry.provider_shares import ProviderShare, provider_shares

__all__ = [
    "breaker",
    "breakers",
    "history",
    "moves_between",
    "not_closed",
    "open_breakers",
    "overrides_in_force",
    "provider_shares",
    "timeline",
]

SHARE_MINUTES = 5
SHOWN_EVENTS = 100


@dataclass(frozen=True)
class Event:
    """A place in a breaker's timeline: a transition, or what an operator did."""

    at: datetime
    what: str
    tone: str
    cause: str
    who: str


def breakers() -> list[BreakerState]:
    """Every breaker: those that need a look first, then by name. A handful of queries, however many there are."""
    rows = list(Breaker.objects.order_by("name"))
    now = _database_now()
    overrides = {order.breaker_id: order for order in overrides_in_force()}
    shares = {share.provider: share for share in provider_shares(SHARE_MINUTES)}
    seen, heard = _seen(), _heard()
    last = _last_transitions()
    states = [
        _state(row, now, overrides.get(row.name), shares.get(row.name), seen[row.name], heard.get(row.name), last)
        for row in rows
    ]
    return sorted(states, key=lambda state: (state.is_calm, state.name))


def breaker(name: str) -> BreakerState:
    """One breaker. Raises NotFound."""
    found = next((state for state in breakers() if state.name == name), None)
    if found is None:
        raise NotFound(f"There is no breaker named {name}. A backend registers its breakers when it first uses them.")
    return found


def open_breakers(names: Sequence[str]) -> list[str]:
    """Those of these breakers through which no call goes now, an operator's order before the fleet's own state."""
    ordered = {order.breaker_id: order.mode for order in overrides_in_force().filter(breaker__in=names)}
    states = Breaker.objects.filter(name__in=names).order_by("name").values_list("name", "status")
    closed = (Mode.FORCE_CLOSED, Mode.DISABLED)
    return [
        name
        for name, status in states
        if ordered.get(name) == Mode.FORCE_OPEN or (status != Status.CLOSED and ordered.get(name) not in closed)
    ]


def not_closed() -> QuerySet[Breaker]:
    """Breakers that are open or probing, by name."""
    return Breaker.objects.exclude(status=Status.CLOSED).order_by("name")


def overrides_in_force() -> QuerySet[Override]:
    """Operators' orders that have not expired, the next to expire first."""
    return (
        Override.objects.exclude(mode="")
        .filter(expires_at__gt=timezone.now())
        .select_related("breaker")
        .order_by("expires_at")
    )


def override_of(name: str) -> Override | None:
    """The last order, in force or not: its version is what the next one must name."""
    return Override.objects.filter(breaker_id=name).first()


def timeline(name: str) -> list[Event]:
    """The newest transitions and operators' acts, the newest first."""
    moves = Transition.objects.filter(breaker_id=name).order_by("-id")[:SHOWN_EVENTS]
    acts = Entry.objects.filter(target_type="breaker", target_id=name).order_by("-id")[:SHOWN_EVENTS]
    events = [_of_move(move) for move in moves] + [_of_act(act) for act in acts]
    return sorted(events, key=lambda event: event.at, reverse=True)[:SHOWN_EVENTS]


def history(name: str, since: datetime) -> list[tuple[datetime, str]]:
    """The shared state over a time: where it stood at its beginning, and every move since."""
    moves = list(Transition.objects.filter(breaker_id=name, at__gte=since).order_by("at", "id"))
    began = Breaker.objects.values_list("registered_at", flat=True).get(pk=name)
    before = Transition.objects.filter(breaker_id=name, at__lt=since).order_by("-at", "-id").first()
    first = before.to_status if before else Status.CLOSED.value
    start = [(since, first)] if began <= since else [(since, ""), (began, first)]
    return [*start, *((move.at, move.to_status) for move in moves)]


def moves_between(names: Sequence[str], since: datetime, until: datetime) -> list[tuple[str, datetime, str, str]]:
    """How these breakers stood at `since` where not closed, and every move until `until`: name, when, status, cause."""
    before = Transition.objects.filter(breaker_id=OuterRef("name"), at__lt=since).order_by("-at", "-id")
    standing = Breaker.objects.filter(name__in=names).annotate(stood=Subquery(before.values("to_status")[:1]))
    began = [
        (row.name, since, row.stood, "stood so when it began") for row in standing if row.stood not in (None, "closed")
    ]
    moves = Transition.objects.filter(breaker_id__in=names, at__gte=since, at__lt=until).order_by("-id")
    return began + [(move.breaker_id, move.at, move.to_status, move.cause) for move in moves[:SHOWN_EVENTS]]


def _state(
    row: Breaker,
    now: datetime,
    override: Override | None,
    share: ProviderShare | None,
    seen: list[Seen],
    heard_at: datetime | None,
    last: dict[str, Transition],
) -> BreakerState:
    values: dict[str, Any] = {"override": override, "heard_at": heard_at, "last": last.get(row.name)}
    if share is not None:
        values |= {"calls": share.calls, "services": share.services}
    return BreakerState(row, now, seen=tuple(seen), **values)


def _seen() -> dict[str, list[Seen]]:
    """By breaker, what living processes report in the epoch that stands."""
    live = {instance.id: instance for instance in live_instances().filter(kind="backend")}
    reports = Report.objects.filter(instance_id__in=live).annotate(standing=_standing_epoch())
    found: dict[str, list[Seen]] = defaultdict(list)
    for report in reports:
        told = report if report.epoch == report.standing else None
        found[report.breaker_id].append(_seen_by(live[report.instance_id], report, told))
    return found


def _standing_epoch() -> Subquery:
    return Subquery(Breaker.objects.filter(name=OuterRef("breaker_id")).values("epoch")[:1])


def _seen_by(instance: Instance, report: Report, told: Report | None) -> Seen:
    return Seen(
        instance_id=instance.id,
        service=instance.service,
        host=instance.host,
        pid=instance.pid,
        status=told.status if told else "closed",
        calls=told.calls if told else 0,
        failures=told.failures if told else 0,
        reported_at=report.reported_at,
        seen_at=instance.seen_at,
    )


def _heard() -> dict[str, datetime]:
    """By breaker, when a process that has it last spoke."""
    spoke = Instance.objects.filter(pk=OuterRef("instance_id")).values("seen_at")[:1]
    rows = Report.objects.annotate(spoke=Subquery(spoke)).values_list("breaker_id", "spoke")
    heard: dict[str, datetime] = {}
    for name, at in rows:
        if at is not None and (name not in heard or at > heard[name]):
            heard[name] = at
    return heard


def _last_transitions() -> dict[str, Transition]:
    newest = Transition.objects.filter(breaker_id=OuterRef("name")).order_by("-id").values("pk")[:1]
    ids = Breaker.objects.values_list(Subquery(newest), flat=True)
    return {move.breaker_id: move for move in Transition.objects.filter(pk__in=[pk for pk in ids if pk])}


def _of_move(move: Transition) -> Event:
    tones = {"closed": "ok", "open": "bad", "half_open": "warn"}
    who = f"{move.service}, process {str(move.instance_id)[:8]}"
    return Event(move.at, move.get_to_status_display(), tones[move.to_status], move.cause, who)


def _of_act(act: Entry) -> Event:
    mode = (act.after or {}).get("mode") or ""
    label = Mode(mode).label if mode in Mode.values else "Override taken back"
    return Event(act.at, label, "info", act.reason, act.actor)


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
