"""What is too large to be frozen while somebody waits for an answer: the worker freezes it, as of when it was asked.

All of it in one transaction: a worker that is killed leaves nothing, and the next one begins anew.
"""

from collections.abc import Sequence
from functools import partial

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from incidents.operations.counting import count
from incidents.operations.freezing import NOTHING_LEFT, freeze
from incidents.operations.models import Action, Verb
from incidents.operations.scheduling import audit, schedule
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from incidents.operations.verbs import RULES
from incidents.operations.wake import wake_release
from ops_console.access.actor import Actor
from ops_console.access.roles import Role
from ops_console.errors import ConsoleError, InvalidInput
from ops_console.live import publish

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 50_000
# Who asks by these waits for the answer; a shell and the sweep have time.
_ASKING = ("web", "api")
_FREEZING = Action.State.FREEZING


def is_put_off(actor: Actor, scopes: Sequence[Scope], most: int | None) -> bool:
    """Whether the worker is to freeze it: more than a request has time for, or more than could be counted in time."""
    if actor.via not in _ASKING or len(scopes) > 1 or scopes[0].ids is not None:
        return False
    if most is not None and most <= MOST_AT_ONCE:
        return False
    found = count(scopes[0], MOST_AT_ONCE)
    return found.number is None or found.capped


def put_off(actor: Actor, action: Action, scope: Scope, most: int | None) -> None:
    """Keep in the action all that freezing it needs; its moment is fixed. The worker is woken at once."""
    action.state = _FREEZING
    action.scope = {**scope.as_json(), **({} if most is None else {"most": most})}
    action.label = f"{RULES[Verb(action.verb)].does} more than {MOST_AT_ONCE:,} {source_of(action.kind).plural}"
    action.save(update_fields=["state", "scope", "label"])
    audit(actor, action, action.verb, after={"state": action.state, "scope": action.scope})
    publish("operations")
    transaction.on_commit(partial(wake_release, 0))


def freeze_due() -> None:
    """Freeze every action that waits for it, the oldest first."""
    for action_id in Action.objects.filter(state=_FREEZING).order_by("pk").values_list("pk", flat=True):
        freeze_late(action_id)


def freeze_late(action_id: int) -> None:
    """Freeze one, unless another worker does. One that cannot be says why, and is tried again."""
    try:
        with transaction.atomic():
            _freeze(action_id)
    except InvalidInput:
        waiting = Action.objects.filter(pk=action_id, state=_FREEZING)
        waiting.update(state=Action.State.CANCELLED, finished_at=Now(), problem=NOTHING_LEFT)
    except (ConsoleError, DatabaseError) as error:
        log.warning("freezing_failed", action=action_id, error=str(error))
        Action.objects.filter(pk=action_id, state=_FREEZING).update(problem=str(error).strip())
    publish("operations")


def _freeze(action_id: int) -> None:
    action = Action.objects.filter(pk=action_id, state=_FREEZING).first() if _is_ours(action_id) else None
    if action is None:
        return
    freeze(action, [Scope.from_json(action.scope)], {}, action.scope.get("most"))
    if not Action.objects.filter(pk=action_id, state=_FREEZING).update(problem=""):
        transaction.set_rollback(True)  # cancelled meanwhile: its chunks go with it
        return
    action.state = Action.State.SCHEDULED
    actor = Actor(action.actor, Role.OPERATOR, action.via, action.actor_id, credential=action.credential)
    schedule(actor, action, "freeze")


def _is_ours(action_id: int) -> bool:
    """Until the transaction ends. Not the row's own lock: a cancel would wait for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"ops.freeze.{action_id}"])
        (ours,) = cursor.fetchone()
        return bool(ours)
