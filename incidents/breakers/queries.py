"""Every read that the breakers' pages and the overview need. The database aggregates what grows with processes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Now

from incidents.breakers.models import Breaker, Mode, Override, Report, Status, Transition
from incidents.breakers.states import BreakerState, Seen
from ops_console.audit.models import Entry
from ops_console.compiled import compiled, statement_of, totals
from ops_console.contract.queries import live_instances
from ops_console.errors import NotFound
from ops_console.pending_changes.services import pending_text
from ops_console.telemetry.provider_shares import provider_shares
from ops_console.web import Key, Keyset, Page
from ops_console.web.formatting import duration

__all__ = [
    "breaker",
    "breaker_counts",
    "breaker_page",
    "every_breaker",
    "history",
    "merged",
    "moves_between",
    "not_closed",
    "open_breakers",
    "overrides_in_force",
    "overview",
    "provider_shares",
    "timeline",
]

SHARE_MINUTES = 5
SHOWN_EVENTS = 100
READ_MOVES = 400
SHOWN_PROCESSES = 50
SHOWN_ON_OVERVIEW = 12
# Those that need attention first: 0 before 1. A row costs a look at the report of each process.
ORDER = Keyset(Key("calm", "int"), Key("name"), size=25)
_TIMELINE = Keyset(Key("at", "time", descending=True), Key("id", "int", descending=True))
_TABS = {"": Q(), "look": Q(calm=0), "overridden": Q(overridden=True)}


@dataclass(frozen=True)
class Event:
    """A line of a breaker's timeline: a transition, several failed probes, or what an operator did.

    `since`: the first of several.
    """

    at: datetime
    what: str
    tone: str
    cause: str
    who: str
    since: datetime | None = None


@dataclass(frozen=True)
class Overview:
    """How many breakers there are, how many of them need attention, and the first of them, those in need first."""

    total: int
    troubled: int
    states: list[BreakerState]


def breaker_page(text: str, tab: str, cursor: str) -> Page[BreakerState]:
    """One page of breakers whose name contains `text`. A constant number of queries. Raises InvalidInput."""
    found = ORDER.cut(list(Breaker.objects.raw(*_start_of_page(text, tab, cursor))), cursor)
    return Page(_states(found.rows, with_processes=True), found.next, found.previous)


def breaker_counts(text: str) -> dict[str, int]:
    """How many breakers each tab holds; one query."""
    [numbers] = _counted_tabs(text)
    return dict(zip(_TABS, numbers, strict=True))


@statement_of
def _start_of_page(text: str, tab: str, cursor: str) -> QuerySet[Any]:
    return ORDER.start(_named(text).filter(_TABS.get(tab, Q())), cursor)


@compiled
def _counted_tabs(text: str) -> QuerySet[Any]:
    return totals(_named(text), [Count("name", filter=condition) for condition in _TABS.values()])


def every_breaker(text: str, tab: str) -> Iterator[BreakerState]:
    """All breakers of a tab, page after page, for a download."""
    cursor = ""
    while True:
        found = breaker_page(text, tab, cursor)
        yield from found.rows
        cursor = found.next
        if not cursor:
            return


def overview() -> Overview:
    """Counts of all breakers, and the first few: those that need attention, then by name."""
    counted = breaker_counts("")
    first = Breaker.objects.raw(*_first_on_overview())
    return Overview(counted[""], counted["look"], _states(first, with_processes=False))


@statement_of
def _first_on_overview() -> QuerySet[Any]:
    return _annotated().order_by("calm", "name")[:SHOWN_ON_OVERVIEW]


def breaker(name: str) -> BreakerState:
    """One breaker with its processes, at most SHOWN_PROCESSES of them. Raises NotFound."""
    row = _annotated().filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no breaker named {name}. A backend registers its breakers when it first uses them.")
    (state,) = _states([row], with_processes=True, seen=_seen(row))
    return state


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
    """Overrides that have not expired, the next to expire first."""
    return _in_force().select_related("breaker").order_by("expires_at")


def _in_force() -> QuerySet[Override]:
    return Override.objects.exclude(mode="").filter(expires_at__gt=Now())


def override_of(name: str) -> Override | None:
    """The last order, in force or not: its version is what the next one must name."""
    return Override.objects.filter(breaker_id=name).first()


def timeline(name: str, cursor: str = "") -> Page[Event]:
    """Transitions and operators' acts, the newest first; failed probes that follow each other are one event.

    A page holds at most READ_MOVES transitions, however few events they are. Raises InvalidInput.
    """
    at = _TIMELINE.read(cursor)
    moves = Transition.objects.filter(breaker_id=name).order_by("-id")
    acts = Entry.objects.filter(target_type="breaker", target_id=name).order_by("-id")
    if at is not None:
        moves, acts = moves.filter(id__lt=at.values[1]), acts.filter(at__lt=at.values[0])
    found, said = list(moves[: READ_MOVES + 1]), list(acts[: SHOWN_EVENTS + 1])
    # What is older than this in one of the two belongs to the next page.
    starts = [found[READ_MOVES - 1].at] if len(found) > READ_MOVES else []
    starts += [said[SHOWN_EVENTS - 1].at] if len(said) > SHOWN_EVENTS else []
    start = max(starts, default=None)
    if start is not None:
        found = [move for move in found[:READ_MOVES] if move.at >= start]
        said = [act for act in said[:SHOWN_EVENTS] if act.at >= start]
    events = sorted([*merged(found), *map(_of_act, said)], key=lambda event: event.at, reverse=True)
    if start is None:
        return Page(events, "", "")
    last = found[-1].pk if found else at.values[1] if at is not None else 2**62
    return Page(events, _TIMELINE.write({"at": start, "id": last}, backward=False), "")


def history(name: str, since: datetime) -> list[tuple[datetime, str]]:
    """The shared state since a time: what it was then, and every transition, the newest READ_MOVES of them."""
    newest = Transition.objects.filter(breaker_id=name, at__gte=since).order_by("-id")[:READ_MOVES]
    moves = sorted(newest, key=lambda move: (move.at, move.pk))
    registered_at = Breaker.objects.values_list("registered_at", flat=True).get(pk=name)
    if len(moves) == READ_MOVES:
        start = [(since, "")]
    else:
        before = Transition.objects.filter(breaker_id=name, at__lt=since).order_by("-id").first()
        first = before.to_status if before else Status.CLOSED.value
        start = [(since, first)] if registered_at <= since else [(since, ""), (registered_at, first)]
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


def _annotated() -> QuerySet[Any]:
    """Breakers with `open_in`, the number of live processes that opened it for themselves, and whether it is `calm`:
    closed everywhere, and without an override in force. `pending` is an override that waits for a lock.
    """
    opened = Report.objects.filter(
        breaker=OuterRef("name"),
        epoch=OuterRef("epoch"),
        instance_id__in=live_instances().filter(kind="backend").values("pk"),
    ).exclude(status=Status.CLOSED)
    open_in = opened.order_by().values("breaker").annotate(number=Count("instance_id")).values("number")
    calm = Case(
        When(Q(status=Status.CLOSED, overridden=False, open_in=0), then=1), default=0, output_field=IntegerField()
    )
    return Breaker.objects.annotate(
        overridden=Exists(_in_force().filter(breaker=OuterRef("name"))),
        open_in=Coalesce(Subquery(open_in), Value(0), output_field=IntegerField()),
        pending=pending_text("breaker", OuterRef("name")),
    ).annotate(calm=calm)


def _named(text: str) -> QuerySet[Any]:
    return _annotated().filter(name__icontains=text) if text else _annotated()


def _states(rows: Iterable[Any], with_processes: bool, seen: tuple[Seen, ...] = ()) -> list[BreakerState]:
    """What pages show of these annotated rows; a constant number of queries."""
    rows = list(rows)
    names, now = [row.name for row in rows], _database_now()
    overrides = {override.breaker_id: override for override in overrides_in_force().filter(breaker__in=names)}
    shares = {share.provider: share for share in provider_shares(SHARE_MINUTES, names)}
    last = _last_transitions(names)
    processes = _processes(names) if with_processes else {}
    states = []
    for row in rows:
        share, (count, heard_at) = shares.get(row.name), processes.get(row.name, (0, None))
        called: Mapping[str, Any] = {"calls": share.calls, "services": share.services} if share else {}
        states.append(
            BreakerState(
                row,
                now,
                override=overrides.get(row.name),
                open_in=row.open_in,
                processes=count,
                seen=seen,
                heard_at=heard_at,
                last=last.get(row.name),
                **called,
            )
        )
    return states


def _processes(names: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    """By breaker, how many live backend processes have it, and when a process that has it was last seen."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            -- The view works out a process's state: once for each, not for each of its breakers.
            WITH process AS MATERIALIZED (
                SELECT id, kind = 'backend' AND state = 'live' AS is_live, seen_at FROM ops_v1.instance
            )
            SELECT r.breaker_id, count(*) FILTER (WHERE p.is_live), max(p.seen_at)
            FROM ops.breakers_report r JOIN process p ON p.id = r.instance_id
            WHERE r.breaker_id = ANY(%(names)s) GROUP BY r.breaker_id
            """,
            {"names": list(names)},
        )
        return {name: (number, heard_at) for name, number, heard_at in cursor.fetchall()}


def _seen(row: Any) -> tuple[Seen, ...]:
    """What live processes report of one breaker, those that opened it or see most failures first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.id, i.service, i.host, i.pid, coalesce(told.status, 'closed'), coalesce(told.calls, 0),
                   coalesce(told.failures, 0), r.reported_at, i.seen_at
            FROM ops.breakers_report r JOIN ops_v1.instance i ON i.id = r.instance_id
            -- What was counted in an earlier epoch says nothing of this one.
            LEFT JOIN LATERAL (SELECT r.status, r.calls, r.failures WHERE r.epoch = %(epoch)s) AS told ON true
            WHERE r.breaker_id = %(name)s AND i.kind = 'backend' AND i.state = 'live'
            ORDER BY (coalesce(told.status, 'closed') = 'closed'), coalesce(told.failures, 0) DESC, i.service, i.id
            LIMIT %(most)s
            """,
            {"name": row.name, "epoch": row.epoch, "most": SHOWN_PROCESSES},
        )
        return tuple(Seen(*values) for values in cursor.fetchall())


def _last_transitions(names: Sequence[str]) -> dict[str, Transition]:
    newest = Transition.objects.filter(breaker_id=OuterRef("name")).order_by("-id").values("pk")[:1]
    ids = Breaker.objects.filter(name__in=names).values_list(Subquery(newest), flat=True)
    return {move.breaker_id: move for move in Transition.objects.filter(pk__in=[pk for pk in ids if pk])}


def merged(newest_first: Sequence[Transition]) -> list[Event]:
    """Transitions as events; two failed probes or more in a row are one."""
    events: list[Event] = []
    run: list[Transition] = []
    for move in reversed(newest_first):
        if move.from_status == Status.CLOSED or move.to_status == Status.CLOSED:
            events += [*_probes(run), _of_move(move)]
            run = []
        else:
            run.append(move)
    return [*events, *_probes(run)]


def _probes(run: Sequence[Transition]) -> list[Event]:
    """Moves between open and half-open, the oldest first: up to the last failure as one event, where there are many."""
    ends = [index for index, move in enumerate(run) if move.to_status == Status.OPEN]
    if len(ends) < 2:
        return [_of_move(move) for move in run]
    failed = [run[index] for index in ends]
    first, last = failed[0].at, failed[-1].at
    every = duration((last - first).total_seconds() / (len(failed) - 1))
    lost = sum(move.from_status == move.to_status for move in run[: ends[-1]])
    what = f"{len(failed)} failed probes, every {every}" + (f"; {lost} more lost" if lost else "")
    together = Event(last, what, "bad", failed[-1].cause, _who(failed[-1]), since=first)
    return [together, *(_of_move(move) for move in run[ends[-1] + 1 :])]


def _of_move(move: Transition) -> Event:
    tones = {"closed": "ok", "open": "bad", "half_open": "warn"}
    return Event(move.at, move.get_to_status_display(), tones[move.to_status], move.cause, _who(move))


def _who(move: Transition) -> str:
    return f"{move.service}, process {str(move.instance_id)[:8]}"


def _of_act(act: Entry) -> Event:
    mode = (act.after or {}).get("mode") or ""
    label = Mode(mode).label if mode in Mode.values else "Override cleared"
    return Event(act.at, label, "info", act.reason, act.actor)


def _database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
