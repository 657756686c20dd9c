"""An action that is frozen gets its name, its time for Undo and its audit entry; the worker is woken when that ends."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from incidents.operations.models import Action, Verb
from incidents.operations.sources import source_of
from incidents.operations.verbs import RULES
from incidents.operations.wake import wake_release
from ops_console.access.actor import Actor
from ops_console.audit.services import Target, record
from ops_console.live import publish


def target_of(action: Action) -> Target:
    """How the audit names an action."""
    return Target("action", str(action.pk), action.label)


def schedule(actor: Actor, action: Action, word: str) -> None:
    """Give the action its name and its time for Undo, write it down as `word`, and have the worker woken then."""
    wait_seconds = _undo_seconds(action)
    action.label = _label(action)
    action.release_at = timezone.now() + timedelta(seconds=wait_seconds)
    action.save(update_fields=["label", "release_at", "total", "scope", "takes_back", "state"])
    audit(actor, action, word, after={"total": action.total, "scope": action.scope})
    publish("operations")
    transaction.on_commit(partial(wake_release, wait_seconds))


def _label(action: Action) -> str:
    source, does = source_of(action.kind), RULES[Verb(action.verb)].does
    if action.total > 1:
        return f"{does} {action.total:,} {source.plural}"
    return f"{does} {source.label} {action.chunks.get().operation_ids[0][:40]}"


def _undo_seconds(action: Action) -> int:
    # Nobody watches a sweep's click: it can be taken back as one.
    if action.via == "sweep":
        return 0
    return int(settings.UNDO_SECONDS if action.total == 1 else settings.UNDO_BULK_SECONDS)


def audit(actor: Actor, action: Action, word: str, **versions: Any) -> None:
    """Write down what was done with an action."""
    record(actor, f"operations.{word}", target_of(action), reason=action.reason, **versions)
