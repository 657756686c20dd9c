"""Every write of operators: intents, and what may be done with them until they are released and after.

A single operation is a bulk of one. Nothing here changes a backend's row: `release.py` does, when the time has come.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from incidents.operations.eligibility import require_verb
from incidents.operations.freezing import Options, Seen, compare, freeze, freeze_again
from incidents.operations.late_freezing import is_put_off, put_off
from incidents.operations.models import Action, Command, Verb
from incidents.operations.queries import scan
from incidents.operations.scheduling import audit, schedule
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from incidents.operations.verbs import RULES, new_status
from incidents.operations.wake import wake_release
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.approvals.models import Kind
from ops_console.approvals.services import Draft, approvable, require_approval
from ops_console.audit.services import Target, check_reason, record
from ops_console.errors import Conflict, InvalidInput, NotFound
from ops_console.live import publish

__all__ = ["Options", "Seen", "cancel", "check_seen", "pause", "resume", "send_again", "set_rate", "start", "take_back"]

AT_ONCE = Options()
HIGHEST_RATE = 10_000.0


def start(
    actor: Actor,
    scope: Scope,
    verb: str,
    reason: str,
    seen: Seen | None = None,
    options: Options = AT_ONCE,
    also: Sequence[Scope] = (),
) -> Action:
    """Freeze a scope to the operations that it holds now, as an action that is released after its time for Undo.

    What is too large for a page or the API to wait for is frozen by the worker, as of now; Undo's time begins then.
    `also` are further scopes of the same kind, of other operations. One that is no longer as `seen` raises Conflict.
    Raises NotAllowed, InvalidInput (verb, reason, ids, rate_per_second, snooze_until), SourceUnavailable.
    """
    require(actor, Role.OPERATOR)
    _check(scope, verb, options)
    with transaction.atomic():
        scopes = [each.at(each.as_of or timezone.now()) for each in (scope, *also)]
        action = _new_action(actor, scope.kind, verb, reason.strip(), options)
        if is_put_off(actor, scopes, options.most):
            _require_reason(action, many=True)
            _require_approval(actor, action, scopes, options, None)
            put_off(actor, action, scopes[0], options.most)
            return action
        action.scope = scope.as_json()
        freeze(action, scopes, seen or {}, options.most)
        _require_reason(action)
        _require_approval(actor, action, scopes, options, action.total)
        schedule(actor, action, action.verb)
    return action


def _require_approval(
    actor: Actor, action: Action, scopes: Sequence[Scope], options: Options, size: int | None
) -> None:
    """What is asked for again is the filter as of now, or the ids that were chosen."""
    kept = [
        {**scope.as_json(), "ids": list(scope.ids)} if scope.ids is not None else scope.as_json() for scope in scopes
    ]
    arguments = {"scopes": kept, "verb": str(action.verb), "reason": action.reason, "options": asdict(options)}
    target = Target("operations", action.kind, source_of(action.kind).plural)
    number = "more than can be counted at once" if size is None else f"{size:,}"
    summary = f"{RULES[Verb(action.verb)].does} {number} {source_of(action.kind).plural}"
    after = {"verb": str(action.verb), "operations": number}
    require_approval(
        actor, Draft(Kind.BULK, "operations.start", arguments, target, summary, None, after, action.reason, size)
    )


@approvable("operations.start")
def _start_as_approved(
    actor: Actor, scopes: list[dict[str, Any]], verb: str, reason: str, options: dict[str, Any]
) -> Action:
    until = options["snooze_until"]
    given = Options(**{**options, "snooze_until": datetime.fromisoformat(until) if until else None})
    first, *also = (Scope.from_json(scope) for scope in scopes)
    return start(actor, first, verb, reason, options=given, also=also)


def take_back(actor: Actor, action_id: int, reason: str) -> Action:
    """Undo what an action, or a sweep's run, has changed, by an action of its own along the same path.

    What has moved on since, and what a backend has carried out, is left and said.
    Raises NotFound, NotAllowed, Conflict while it runs, InvalidInput (action, reason).
    """
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        given = Action.objects.select_for_update().filter(pk=action_id).first()
        if given is None:
            raise NotFound(f"There is no action {action_id}.")
        if given.is_open:
            raise Conflict("Cancel it first: it is still going on.", {"state": given.state}, {"state": "done"})
        if not can_take_back(given):
            raise InvalidInput("action", f"{RULES[Verb(given.verb)].done.capitalize()} is not taken back.")
        action = _new_action(actor, given.kind, Verb.TAKE_BACK, reason.strip(), Options())
        action.takes_back, action.scope = given, {"takes_back": given.pk}
        freeze_again(action, given, new_status(source_of(given.kind), given.verb))
        _require_reason(action)
        schedule(actor, action, action.verb)
    return action


def can_take_back(action: Action) -> bool:
    """Whether what the action did can be undone: it is over, and freed nothing."""
    return not action.is_open and action.verb not in (Verb.FREE, Verb.TAKE_BACK)


def check_seen(scope: Scope, seen: Seen) -> None:
    """Raise Conflict, with both versions, when an operation is no longer as it was seen."""
    if seen:
        for rows in scan(scope):
            compare(rows, seen)


def cancel(actor: Actor, action_id: int) -> Action:
    """Undo what is not released yet, or stop what is: chunks that are done stay done. Raises Conflict when over."""
    return _move(actor, action_id, Action.OPEN, "cancel", state=Action.State.CANCELLED, finished_at=timezone.now())


def pause(actor: Actor, action_id: int) -> Action:
    """Stop after the slice in hand. Raises Conflict unless it is running."""
    return _move(actor, action_id, (Action.State.RUNNING,), "pause", state=Action.State.PAUSED)


def resume(actor: Actor, action_id: int) -> Action:
    """Go on. Raises Conflict unless it is paused."""
    action = _move(actor, action_id, (Action.State.PAUSED,), "resume", state=Action.State.RUNNING)
    wake_release(0)
    return action


def set_rate(actor: Actor, action_id: int, rate_per_second: float | None) -> Action:
    """Go faster or slower from now on; None is as fast as it goes. Raises Conflict when it is over, InvalidInput."""
    _check_rate(rate_per_second)
    return _move(actor, action_id, Action.OPEN, "set_rate", rate_per_second=rate_per_second)


def send_again(actor: Actor, command_id: int) -> Command:
    """Queue a dead letter once more, with fresh attempts. Raises NotFound, Conflict when it is not dead."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        command = Command.objects.select_for_update().filter(pk=command_id).first()
        if command is None:
            raise NotFound(f"There is no command {command_id}.")
        if command.state != Command.State.DEAD:
            raise _not_so("command", command.state, (Command.State.DEAD,), "queued")
        command.state, command.attempts, command.available_at = Command.State.QUEUED, 0, timezone.now()
        command.leased_by = command.leased_until = None
        command.lapses = 0
        command.save()
        label = f"{RULES[Verb(command.verb)].does} {len(command.operation_ids)}"
        target = Target("command", str(command.pk), label)
        record(actor, "operations.send_again", target, before={"state": "dead"}, after={"state": "queued"})
        publish("operations")
    return command


def _check(scope: Scope, verb: str, options: Options) -> None:
    if verb not in Verb.values or verb == Verb.TAKE_BACK:
        known = ", ".join(one for one in Verb.values if one != Verb.TAKE_BACK)
        raise InvalidInput("verb", f"{verb!r} is not something to do: say one of {known}.")
    require_verb(scope.kind, verb)
    _check_rate(options.rate_per_second)
    if verb == Verb.SNOOZE and (options.snooze_until is None or options.snooze_until <= timezone.now()):
        raise InvalidInput("snooze_until", "Say until when: a moment that is still to come.")


def _check_rate(rate_per_second: float | None) -> None:
    if rate_per_second is not None and not 0 < rate_per_second <= HIGHEST_RATE:
        raise InvalidInput(
            "rate_per_second", f"A rate is more than 0 and at most {HIGHEST_RATE:,.0f} operations a second."
        )


def _new_action(actor: Actor, kind: str, verb: str, reason: str, options: Options) -> Action:
    check_reason(reason)
    return Action.objects.create(
        kind=kind,
        verb=verb,
        reason=reason,
        scope={},
        total=0,
        actor_id=actor.user_id,
        actor=actor.name,
        via=actor.via,
        credential=actor.credential,
        canary=options.canary,
        rate_per_second=options.rate_per_second,
        notifies=options.notifies and verb == Verb.FAIL,
        frees=options.frees and verb == Verb.FAIL,
        snooze_until=options.snooze_until if verb == Verb.SNOOZE else None,
        release_at=timezone.now(),
    )


def _require_reason(action: Action, many: bool = False) -> None:
    rule = RULES[Verb(action.verb)]
    if action.reason or (action.total == 1 and not rule.needs_reason):
        return
    what = "an operation is" if action.total == 1 else f"{'many' if many else format(action.total, ',')} operations are"
    raise InvalidInput("reason", f"Say why: {what} about to be {rule.done}.")


def _move(actor: Actor, action_id: int, allowed: tuple[str, ...], word: str, **changes: Any) -> Action:
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        # Without the key: chunks that are being frozen name it, and a cancel must not wait for them.
        action = Action.objects.select_for_update(no_key=True).filter(pk=action_id).first()
        if action is None:
            raise NotFound(f"There is no action {action_id}.")
        if action.state not in allowed:
            raise _not_so("action", action.state, allowed, changes.get("state", "open"))
        shown = [name for name in changes if name != "finished_at"]
        before = {name: getattr(action, name) for name in shown}
        for name, value in changes.items():
            setattr(action, name, value)
        action.save(update_fields=list(changes))
        audit(actor, action, word, before=before, after={name: changes[name] for name in shown})
        publish("operations")
    return action


def _not_so(what: str, current: str, allowed: tuple[str, ...], wanted: str) -> Conflict:
    said = f"The {what} is {current} by now: this is for one that is {' or '.join(allowed)}."
    return Conflict(said, {"state": current}, {"state": wanted})
