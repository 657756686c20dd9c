"""Releasing actions: a transaction a slice of a chunk, in which rows, marks, outbox, outcomes and audit go together.

A worker that is killed leaves its chunk as it was; the next one takes it up. What a chunk says of itself is what has
happened, so nothing happens twice.
"""

import time
from collections import defaultdict
from functools import partial
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from incidents.operations.chunks import write_slice
from incidents.operations.late_freezing import freeze_due, freeze_late
from incidents.operations.models import Action, Chunk, Command
from incidents.operations.pacing import Pace, pace_of
from incidents.operations.scheduling import target_of
from incidents.operations.slices import SliceSize
from ops_console.access.actor import Actor
from ops_console.access.roles import Role
from ops_console.audit.services import record
from ops_console.errors import ConsoleError
from ops_console.live import publish

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 8
# As in ops_v1.claim_command: after so many leases in a row that ran out a command is given to nobody.
MAX_LAPSES = 3
_State = Action.State
_sizes: defaultdict[str, SliceSize] = defaultdict(SliceSize)


def release_due() -> int:
    """Freeze what waits for it, release whatever may go now, in turns, and go on with what was interrupted.

    Answers the number of slices released.
    """
    freeze_due()
    Action.objects.filter(state=_State.SCHEDULED, release_at__lte=Now()).update(state=_State.RUNNING, started_at=Now())
    running = list(Action.objects.filter(state=_State.RUNNING).order_by("release_at").values_list("pk", flat=True))
    released = 0
    while running:
        running = [action_id for action_id in running if _take_turn(action_id)]
        released += len(running)
    return released


def release_action(action_id: int) -> int:
    """Release of one action whatever may go now, frozen before if it was not; the number of slices."""
    freeze_late(action_id)
    due = Action.objects.filter(pk=action_id, state=_State.SCHEDULED, release_at__lte=Now())
    due.update(state=_State.RUNNING, started_at=Now())
    released = 0
    while _take_turn(action_id):
        released += 1
    return released


def _take_turn(action_id: int) -> bool:
    """One slice of one action, so that a long one keeps no other waiting; whether there may be more.

    One that cannot go on says why, and is tried again.
    """
    more, problem = False, ""
    try:
        more = release_slice(action_id)
        if not more:
            problem = _settle(action_id)
    except (ConsoleError, DatabaseError) as error:
        log.warning("release_failed", action=action_id, error=str(error))
        problem = str(error).strip()
    if not more:
        _say(action_id, problem)
    return more


def _say(action_id: int, problem: str) -> None:
    """Why the action does not go on, for who looks at it; "" when it does again."""
    Action.objects.filter(pk=action_id).exclude(problem=problem).update(problem=problem)


def release_slice(action_id: int) -> bool:
    """Release what the action's next free chunk may give now; False when there is none, or it may not go on."""
    with transaction.atomic():
        goes_on = _release_slice(action_id)
    publish("operations", at_most_every_seconds=1)
    return goes_on


def _release_slice(action_id: int) -> bool:
    action = _held(action_id)
    if action is None or action.state != _State.RUNNING:
        return False
    pace = pace_of(action)
    chunk = _next_chunk(action_id) if pace.allowed else None
    if chunk is None:
        return False
    size = _sizes[action.kind]
    count = min(pace.allowed, size.of(chunk.size - chunk.released))
    # What one slice has marked, the next one of whatever action must see before it locks a row.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"ops.release.{action.kind}"])
    began_at = time.monotonic()
    counts = write_slice(action, chunk, count)
    _close(action, chunk, count, counts)
    size.took(count, time.monotonic() - began_at)
    if action.problem:
        transaction.on_commit(partial(_say, action_id, ""))
    _pause_canary(action, chunk, chunk.released + count)
    return pace.goes_on


def _held(action_id: int) -> Action | None:
    """The action, shared: other workers may release other chunks, but a cancel waits for us and is then obeyed by all.

    A paced one is one worker's at a time: its pace is counted in its own row. So is one whose first few are looked at.
    """
    shared = Action.objects.raw(
        "SELECT * FROM ops.operations_action WHERE id = %s AND rate_per_second IS NULL AND NOT canary FOR SHARE",
        [action_id],
    )
    for held in shared:
        return held
    paced = Action.objects.filter(Q(rate_per_second__isnull=False) | Q(canary=True), pk=action_id)
    return paced.select_for_update(skip_locked=True, no_key=True).first()


def _next_chunk(action_id: int) -> Any:
    # Its arrays stay where they are.
    waiting = Chunk.objects.filter(action_id=action_id, state=Chunk.State.PENDING).order_by("number")
    waiting = waiting.only("number", "released").annotate(size=Func("operation_ids", function="cardinality"))
    return waiting.select_for_update(skip_locked=True, no_key=True).first()


def _settle(action_id: int) -> str:
    """Finish the action if nothing is left of it; why it waits, if it does."""
    action = Action.objects.get(pk=action_id)
    if action.state != _State.RUNNING:
        return ""
    finish(action_id)
    pace: Pace = pace_of(action)
    return pace.waits_for


def finish(action_id: int) -> None:
    """Call the action done when no chunk is left, of ours or in another worker's hands."""
    left = Chunk.objects.filter(action_id=action_id, state=Chunk.State.PENDING)
    done = Action.objects.filter(pk=action_id, state=_State.RUNNING).exclude(Q(pk__in=left.values("action_id")))
    if done.update(state=_State.DONE, finished_at=Now()):
        publish("operations")


def bury_exhausted() -> int:
    """Dead letters out of commands whose last lease ran out; how many."""
    lapsed = Command.objects.filter(state=Command.State.QUEUED, leased_until__lt=Now())
    exhausted = lapsed.filter(Q(attempts__gte=MAX_ATTEMPTS) | Q(lapses__gte=MAX_LAPSES - 1))
    error = "The processes that handled it did not come back: its handler may end the process that takes it."
    buried = exhausted.update(state=Command.State.DEAD, last_error=error)
    if buried:
        publish("operations")
    return buried


def _close(action: Action, chunk: Any, count: int, counts: dict[str, int]) -> None:
    done = chunk.released + count >= chunk.size
    Chunk.objects.filter(pk=chunk.pk).update(
        released=F("released") + count,
        **{name: F(name) + number for name, number in counts.items()},
        **({"state": Chunk.State.DONE, "done_at": Now()} if done else {}),
    )
    if action.rate_per_second:
        Action.objects.filter(pk=action.pk).update(paced_at=Now())
    actor = Actor(action.actor, Role.OPERATOR, action.via, action.actor_id, credential=action.credential)
    after = {"chunk": chunk.number + 1, **counts}
    record(actor, "operations.release", target_of(action), after=after, reason=action.reason)


def _pause_canary(action: Action, chunk: Any, released: int) -> None:
    """After the first few, all of them, a person looks."""
    if action.canary and chunk.number == 0 and chunk.size == released < action.total:
        Action.objects.filter(pk=action.pk).update(state=_State.PAUSED, canary=False)
