"""Every write of operators: intents, and what may be done with them until they are released and after.

A single operation is a bulk of one. Nothing here changes a backend's row: `release.py` does, when the time has come.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from incidents.operations.models import Action, Chunk, Command, Verb
from incidents.operations.queries import scan
from incidents.operations.scope import Scope
from incidents.operations.sources import source_of
from incidents.operations.wake import wake_release
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, check_reason, record
from ops_console.errors import Conflict, InvalidInput, NotFound
from ops_console.live import publish

CHUNK_SIZE = 2_000
PAST = {Verb.RETRY: "Retry", Verb.FAIL: "Fail"}


# What an operator looked at: status and version by operation id.
Seen = dict[str, tuple[str, int]]


def start(actor: Actor, scope: Scope, verb: str, reason: str, seen: Seen | None = None) -> Action:
    """Freeze a scope to the operations that it holds now, as an action that is released after its time for Undo.

    An operation that is no longer as `seen` raises Conflict.
    Raises NotAllowed, InvalidInput (verb, reason, ids), SourceUnavailable.
    """
    require(actor, Role.OPERATOR)
    _check(scope, verb)
    with transaction.atomic():
        rows = scan(scope.at(scope.as_of or timezone.now()))
        action = _new_action(actor, scope, verb, reason.strip())
        _freeze(action, rows, seen or {})
        _require_reason(action)
        action.label = _label(action)
        action.release_at = timezone.now() + timedelta(seconds=_undo_seconds(action.total))
        action.save(update_fields=["label", "release_at", "total"])
        _audit(actor, action, f"operations.{verb}")
        publish("operations")
        transaction.on_commit(partial(wake_release, _undo_seconds(action.total)))
    return action


def check_seen(scope: Scope, seen: Seen) -> None:
    """Raise Conflict, with both versions, when an operation is no longer as it was seen."""
    if seen:
        for rows in scan(scope):
            _compare(rows, seen)


def cancel(actor: Actor, action_id: int) -> Action:
    """Undo what is not released yet, or stop what is: chunks that are done stay done. Raises Conflict when over."""
    open_states = (Action.State.SCHEDULED, Action.State.RUNNING, Action.State.PAUSED)
    return _move(actor, action_id, open_states, Action.State.CANCELLED, finished_at=timezone.now())


def pause(actor: Actor, action_id: int) -> Action:
    """Stop after the chunk in hand. Raises Conflict unless it is running."""
    return _move(actor, action_id, (Action.State.RUNNING,), Action.State.PAUSED)


def resume(actor: Actor, action_id: int) -> Action:
    """Go on. Raises Conflict unless it is paused."""
    action = _move(actor, action_id, (Action.State.PAUSED,), Action.State.RUNNING)
    wake_release(0)
    return action


def send_again(actor: Actor, command_id: int) -> Command:
    """Queue a dead letter once more, with fresh attempts. Raises NotFound, Conflict when it is not dead."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        command = Command.objects.select_for_update().filter(pk=command_id).first()
        if command is None:
            raise NotFound(f"There is no command {command_id}.")
        if command.state != Command.State.DEAD:
            raise _not_so("command", command.state, "queued")
        command.state, command.attempts, command.available_at = Command.State.QUEUED, 0, timezone.now()
        command.leased_by = command.leased_until = None
        command.save()
        target = Target("command", str(command.pk), f"{PAST[Verb(command.verb)]} of {len(command.operation_ids)}")
        record(actor, "operations.send_again", target, before={"state": "dead"}, after={"state": "queued"})
        publish("operations")
    return command


def _check(scope: Scope, verb: str) -> None:
    source = source_of(scope.kind)
    if verb not in Verb.values:
        raise InvalidInput("verb", f"{verb!r} is not something to do: say retry or fail.")
    if reason := source.why_not(verb, source.live()):
        raise InvalidInput("verb", reason)


def _new_action(actor: Actor, scope: Scope, verb: str, reason: str) -> Action:
    check_reason(reason)
    return Action.objects.create(
        kind=scope.kind,
        verb=verb,
        reason=reason,
        scope=scope.as_json(),
        total=0,
        actor_id=actor.user_id,
        actor=actor.name,
        via=actor.via,
        release_at=timezone.now(),
    )


def _freeze(action: Action, rows: Iterator[list[dict[str, Any]]], seen: Seen) -> None:
    for number, page in enumerate(rows):
        _compare(page, seen)
        Chunk.objects.create(
            action=action,
            number=number,
            operation_ids=[row["operation_id"] for row in page],
            seen_statuses=[row["status"] for row in page],
            seen_ages=[row["age_at"] for row in page],
            seen_versions=[row["version"] for row in page],
        )
        action.total += len(page)
    if not action.total:
        raise InvalidInput("ids", "None of these operations is in this state any more: nothing is left to do.")


def _compare(rows: list[dict[str, Any]], seen: Seen) -> None:
    for row in rows:
        status, version = seen.get(row["operation_id"], (row["status"], row["version"]))
        if (status, version) != (row["status"], row["version"]):
            raise Conflict(
                "This operation has changed since you looked at it.",
                {"status": row["status"], "commands": row["version"]},
                {"status": status, "commands": version},
            )


def _require_reason(action: Action) -> None:
    if action.reason or (action.total == 1 and action.verb == Verb.RETRY):
        return
    what = f"{action.total:,} operations are" if action.total > 1 else "an operation is"
    raise InvalidInput("reason", f"Say why: {what} about to be {'failed' if action.verb == Verb.FAIL else 'retried'}.")


def _label(action: Action) -> str:
    source = source_of(action.kind)
    if action.total > 1:
        return f"{PAST[Verb(action.verb)]} {action.total:,} {source.plural}"
    chunk = action.chunks.get()
    return f"{PAST[Verb(action.verb)]} {source.label} {chunk.operation_ids[0][:40]}"


def _undo_seconds(total: int) -> int:
    return int(settings.UNDO_SECONDS if total == 1 else settings.UNDO_BULK_SECONDS)


def _move(actor: Actor, action_id: int, allowed: tuple[str, ...], to: str, **changes: Any) -> Action:
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        action = Action.objects.select_for_update().filter(pk=action_id).first()
        if action is None:
            raise NotFound(f"There is no action {action_id}.")
        if action.state not in allowed:
            raise _not_so("action", action.state, to)
        before, action.state = action.state, to
        for name, value in changes.items():
            setattr(action, name, value)
        action.save(update_fields=["state", *changes])
        _audit(actor, action, f"operations.{_WORD[Action.State(to)]}", before={"state": before}, after={"state": to})
        publish("operations")
    return action


_WORD = {Action.State.CANCELLED: "cancel", Action.State.PAUSED: "pause", Action.State.RUNNING: "resume"}


def _not_so(what: str, current: str, wanted: str) -> Conflict:
    return Conflict(f"The {what} is {current} by now.", {"state": current}, {"state": wanted})


def _audit(actor: Actor, action: Action, what: str, **versions: Any) -> None:
    versions = versions or {"after": {"total": action.total, "scope": action.scope}}
    record(actor, what, target_of(action), reason=action.reason, **versions)


def target_of(action: Action) -> Target:
    """How the audit names an action."""
    return Target("action", str(action.pk), action.label)
