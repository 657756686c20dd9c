"""Reads of actions, their progress and outcomes, and of the outbox."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Func, IntegerField, Min, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from incidents.operations.models import Action, Chunk, Command, OperationMark, Outcome, UserNotice
from ops_console.compiled import compiled, totals
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

ACTIONS = Keyset(Key("id", "int", descending=True), size=50)
_CHUNKS = Keyset(Key("number", "int"))
DEAD_LETTERS = Keyset(Key("id", "int"), size=50)
OUTCOMES = Keyset(Key("operation_id"), size=20)
MOST_SHOWN = 50
MOST_REASONS = 12


@dataclass(frozen=True)
class Progress:
    """How far an action has come: what release did to the rows, and what backends made of its commands."""

    action: Action
    changed: int
    finished_meanwhile: int
    locked: int
    ineligible: int
    commanded: int
    handled: int
    refused: int

    @property
    def done(self) -> int:
        return self.changed + self.skipped

    @property
    def skipped(self) -> int:
        return self.finished_meanwhile + self.locked + self.ineligible

    @property
    def left(self) -> int:
        return self.action.total - self.done

    @property
    def to_take_back(self) -> int:
        """How many can still be as they were: what a backend has carried out cannot."""
        return self.changed - self.handled

    @property
    def awaited(self) -> int:
        """Commands that no backend has taken up or refused yet."""
        return max(self.commanded - self.handled - self.refused, 0)

    @property
    def rate_per_second(self) -> float | None:
        """Operations a second since it began; None before there is anything to say."""
        if self.action.started_at is None or not self.done:
            return None
        end = self.action.finished_at or timezone.now()
        return self.done / max((end - self.action.started_at).total_seconds(), 0.001)

    @property
    def seconds_left(self) -> float | None:
        """By the pace that it was given, else by its own so far."""
        rate = self.action.rate_per_second or self.rate_per_second
        return self.left / rate if rate and self.action.state == Action.State.RUNNING else None


@dataclass(frozen=True)
class Outbox:
    """Commands that are not delivered, since when the oldest is due, how many are dead letters.

    `in_hand`: how many of them a process is working on now, under a lease that holds.
    """

    depth: int
    oldest_at: datetime | None
    dead: int
    in_hand: int = 0


def progress(actions: Sequence[Action]) -> list[Progress]:
    """Progress of each, in three queries however many there are."""
    if not actions:
        return []
    ids = [action.pk for action in actions]
    names = ("changed", "finished_meanwhile", "locked", "ineligible")
    chunks = Chunk.objects.filter(action__in=ids, released__gt=0)
    released = _sums(chunks, names)
    sent = _sums(Command.objects.filter(action__in=ids), ("handled", "refused"))
    return [_progress(action, released.get(action.pk, {}), sent.get(action.pk)) for action in actions]


def _sums(rows: QuerySet[Any], names: Sequence[str]) -> dict[int, dict[str, int]]:
    """Sums of the columns by action."""
    summed = rows.order_by().values("action").annotate(**{f"{name}_sum": Sum(name) for name in names})
    return {row["action"]: {name: row[f"{name}_sum"] for name in names} for row in summed}


def _progress(action: Action, row: dict[str, int], sent: dict[str, int] | None) -> Progress:
    changed = row.get("changed", 0)
    return Progress(
        action,
        changed,
        row.get("finished_meanwhile", 0),
        row.get("locked", 0),
        row.get("ineligible", 0),
        commanded=changed if sent else 0,
        handled=sent["handled"] if sent else 0,
        refused=sent["refused"] if sent else 0,
    )


def action_progress(action_id: int) -> Progress:
    """One action's. Raises NotFound."""
    action = Action.objects.filter(pk=action_id).first()
    if action is None:
        raise NotFound(f"There is no action {action_id}.")
    return progress([action])[0]


def progress_of(action_id: int | None) -> Progress | None:
    """One action's, where there is one; retention may have let it go."""
    action = Action.objects.filter(pk=action_id).first() if action_id else None
    return progress([action])[0] if action else None


def notice_counts(action_id: int | None) -> dict[str, int]:
    """How many users' mails of an action are in each state, in words."""
    states = UserNotice.objects.filter(action=action_id).values_list("state").annotate(number=Count("pk"))
    return {UserNotice.State(state).label: number for state, number in states.order_by("state")}


def running_actions() -> list[Action]:
    """What was asked for and is not over, the newest first."""
    return list(Action.objects.filter(state__in=Action.OPEN).order_by("-pk")[:MOST_SHOWN])


def actions() -> QuerySet[Action]:
    """All of them, for a list in keyset pages (`ACTIONS`)."""
    return Action.objects.all()


def outcomes(action_id: int, outcome: str = "", detail: str = "") -> QuerySet[Outcome]:
    """What was skipped or refused, all of it or of one outcome and reason, for a list in keyset pages (`OUTCOMES`)."""
    narrowed = {name: value for name, value in (("outcome", outcome), ("detail", detail)) if value}
    return Outcome.objects.filter(action=action_id, **narrowed)


def reasons(action_id: int) -> list[dict[str, Any]]:
    """Why operations were not simply done, with how many each reason met, the commonest first."""
    found = Outcome.objects.filter(action=action_id).values("outcome", "detail").annotate(number=Count("pk"))
    return [dict(row) for row in found.order_by("-number", "detail")[:MOST_REASONS]]


def outcome_rows(action: Action) -> Iterator[tuple[str, str, str]]:
    """Every operation of an action with what became of it, chunk by chunk."""
    for (chunk,) in _CHUNKS.batches(action.chunks.all(), size=1):
        told = Outcome.objects.filter(action=action, operation_id__in=chunk.operation_ids)
        exceptions = {row.operation_id: (row.outcome, row.detail) for row in told}
        for number, operation_id in enumerate(chunk.operation_ids):
            plain = ("changed", "") if number < chunk.released else ("not released", "")
            yield (operation_id, *exceptions.get(operation_id, plain))


def first_ids(action: Action) -> list[str]:
    """A few of the operations that were meant, to recognise the action by."""
    chunk = action.chunks.order_by("number").first()
    return chunk.operation_ids[:5] if chunk else []


def history(kind: str, operation_id: str, also: Iterable[int] = ()) -> list[tuple[Action, Outcome | None]]:
    """The newest actions on one operation, each with its exception if it was one; `also` those that its row names."""
    exceptions = {o.action_id: o for o in Outcome.objects.filter(operation_id=operation_id).order_by("-pk")[:20]}
    marked = mark(kind, operation_id)
    ids = {*exceptions, *(marked.action_ids if marked else []), *also}
    found = Action.objects.filter(pk__in=ids, kind=kind).order_by("-pk")[:20]
    return [(action, exceptions.get(action.pk)) for action in found]


def mark(kind: str, operation_id: str) -> OperationMark | None:
    """What the console keeps of one operation."""
    return OperationMark.objects.filter(kind=kind, operation_id=operation_id).first()


def outbox_depth_and_age() -> Outbox:
    """How the outbox stands, in one query."""
    [counted] = _counted_commands()
    return Outbox(*counted)


@compiled
def _counted_commands() -> QuerySet[Any]:
    queued = Q(state=Command.State.QUEUED)
    depth, dead = Count("pk", filter=queued), Count("pk", filter=~queued)
    oldest = Min("due_at", filter=queued & Q(due_at__lte=Now()))
    in_hand = Count("pk", filter=queued & Q(leased_until__gt=Now()))
    found = Command.objects.filter(state__in=(Command.State.QUEUED, Command.State.DEAD))
    return totals(found, (depth, oldest, dead, in_hand))


def dead_letters() -> QuerySet[Command]:
    """Commands that were given up, for a list in keyset pages (`DEAD_LETTERS`); `number` is of how many operations."""
    number = Func("operation_ids", function="cardinality", output_field=IntegerField())
    found = Command.objects.filter(state=Command.State.DEAD).select_related("action").annotate(number=number)
    return found.defer("payloads", "operation_ids", "versions")
