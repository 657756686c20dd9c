"""Releasing actions: one transaction a chunk, in which rows, marks, outbox, outcomes and audit change together.

A worker that is killed leaves its chunk as it was; the next one takes it up. What a chunk's state says is what has
happened, so nothing happens twice.
"""

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from incidents.operations.chunks import Verdicts, write_chunk
from incidents.operations.models import Action, Chunk, Command
from incidents.operations.services import target_of
from ops_console.access.actor import Actor
from ops_console.access.roles import Role
from ops_console.audit.services import record
from ops_console.errors import ConsoleError
from ops_console.live import publish

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 8
_State = Action.State


def release_due() -> int:
    """Release whatever is due, and go on with what was interrupted; the number of chunks released."""
    Action.objects.filter(state=_State.SCHEDULED, release_at__lte=Now()).update(state=_State.RUNNING, started_at=Now())
    running = Action.objects.filter(state=_State.RUNNING).order_by("release_at").values_list("pk", flat=True)
    return sum(_release_action(action_id) for action_id in list(running))


def _release_action(action_id: int) -> int:
    """All chunks of one action. One that cannot go on keeps no other waiting: it says why, and is tried again."""
    released = 0
    try:
        while release_chunk(action_id):
            released += 1
        finish(action_id)
        problem = ""
    except (ConsoleError, DatabaseError) as error:
        log.warning("release_failed", action=action_id, error=str(error))
        problem = str(error).strip()
    Action.objects.filter(pk=action_id).exclude(problem=problem).update(problem=problem)
    return released


def release_chunk(action_id: int) -> bool:
    """Release the action's next chunk that nobody else is at; False when there is none, or it may not go on."""
    with transaction.atomic():
        # Shared: other workers may release other chunks, but a cancel waits for us and is then obeyed by all.
        action = Action.objects.raw("SELECT * FROM ops.operations_action WHERE id = %s FOR SHARE", [action_id])[0]
        if action.state != _State.RUNNING:
            return False
        waiting = Chunk.objects.filter(action_id=action_id, state=Chunk.State.PENDING).order_by("number")
        chunk = waiting.select_for_update(skip_locked=True, no_key=True).first()
        if chunk is None:
            return False
        verdicts = write_chunk(action, chunk)
        _close(action, chunk, verdicts)
    publish("operations", at_most_every_seconds=1)
    return True


def finish(action_id: int) -> None:
    """Call the action done when no chunk is left, of ours or in another worker's hands."""
    left = Chunk.objects.filter(action_id=action_id, state=Chunk.State.PENDING)
    done = Action.objects.filter(pk=action_id, state=_State.RUNNING).exclude(Q(pk__in=left.values("action_id")))
    if done.update(state=_State.DONE, finished_at=Now()):
        publish("operations")


def bury_exhausted() -> int:
    """Dead letters out of commands whose last lease ran out; how many."""
    exhausted = Command.objects.filter(state=Command.State.QUEUED, attempts__gte=MAX_ATTEMPTS, leased_until__lt=Now())
    buried = exhausted.update(state=Command.State.DEAD, last_error="The process that handled it did not come back.")
    if buried:
        publish("operations")
    return buried


def _close(action: Action, chunk: Chunk, verdicts: Verdicts) -> None:
    chunk.state, chunk.done_at = Chunk.State.DONE, Now()
    for name, number in verdicts.counts().items():
        setattr(chunk, name, number)
    chunk.save(update_fields=["state", "done_at", *verdicts.counts()])
    actor = Actor(action.actor, Role.OPERATOR, action.via, action.actor_id)
    after = {"chunk": chunk.number + 1, **verdicts.counts()}
    record(actor, "operations.release", target_of(action), after=after, reason=action.reason)
