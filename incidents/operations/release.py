"""Releasing actions: a transaction a slice of a chunk, in which rows, marks, outbox, outcomes and audit go together.

A worker that is killed leaves its chunk as it was; the next one takes it up. What a chunk says of itself is what has
happened, so nothing happens twice.
"""

import time
from collections import defaultdict
from contextlib import ExitStack

import structlog
from django.db import DatabaseError, connections, transaction
from django.db.models import Q
from django.db.models.functions import Now

from incidents.operations.chunks import write_slice
from incidents.operations.judging import Slice
from incidents.operations.late_freezing import freeze_due, freeze_late
from incidents.operations.models import Action, Chunk, Command
from incidents.operations.pacing import Pace, pace_of
from incidents.operations.queries import parts_of
from incidents.operations.slices import SliceSize
from incidents.operations.sources.sql import SourceSql
from ops_console import foreign
from ops_console.errors import ConsoleError
from ops_console.live import publish

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 8
# As in ops_v1.claim_command: after so many leases in a row that ran out a command is given to nobody.
MAX_LAPSES = 3
LONGEST_PROBLEM = 2_000
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
        problem = str(error).strip()[:LONGEST_PROBLEM]
    if not more:
        _say(action_id, problem)
    return more


def _say(action_id: int, problem: str) -> None:
    """Why the action does not go on, for who looks at it; "" when it does again."""
    Action.objects.filter(pk=action_id).exclude(problem=problem).update(problem=problem)


def release_slice(action_id: int) -> bool:
    """Release what the action's next free chunk may give now; False when there is none, or it may not go on."""
    action = Action.objects.filter(pk=action_id, state=_State.RUNNING).first()
    if action is None:
        return False
    parts = parts_of(action.kind)
    with ExitStack() as stack:
        # Of operations that backends track, users are told on the other connection, which commits last.
        if action.notifies and not parts.is_foreign:
            stack.enter_context(transaction.atomic(using=foreign.ALIAS))
        stack.enter_context(transaction.atomic(using=parts.alias))
        goes_on = _release_slice(parts, action)
    foreign.discard()
    if action.problem:
        _say(action_id, "")
    publish("operations", at_most_every_seconds=1)
    return goes_on


def _release_slice(parts: SourceSql, action: Action) -> bool:
    """All that belongs to the slice goes over the connection of its rows; breakers are asked on the console's own."""
    with connections[parts.alias].cursor() as cursor:
        cursor.execute("SELECT * FROM ops_sources.begin_slice(%s)", [action.pk])
        begun = cursor.fetchone()
    if begun is None:
        return False
    chunk, released, size, action.rate_per_second, action.paced_at = begun
    pace = pace_of(action)
    if not pace.allowed:
        return False
    usual = _sizes[action.kind]
    count = min(pace.allowed, usual.of(size - released))
    began_at = time.monotonic()
    write_slice(parts, action, Slice(chunk, released + 1, released + count))
    usual.took(count, time.monotonic() - began_at)
    return pace.goes_on


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
