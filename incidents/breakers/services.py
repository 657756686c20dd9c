"""What operators lay over a breaker: permission, lock, change and audit entry in one transaction."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from incidents.breakers.models import Breaker, Mode, Override
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.audit.services import Target, record, snapshot
from ops_console.errors import Conflict, InvalidInput, NotFound
from ops_console.pending_changes.models import PendingChange
from ops_console.pending_changes.services import Call, register, submit

LONGEST_SECONDS = 7 * 24 * 3600
_RECORDED = ("mode", "reason", "expires_at")
_NONE = {"mode": "", "reason": "", "expires_at": None}


@dataclass(frozen=True)
class Order:
    """What an operator asks for; in force for so many seconds. `version` is the one that was read, 0 for none."""

    mode: str
    reason: str
    seconds: float
    version: int


def override(actor: Actor, name: str, order: Order) -> Override:
    """Force a breaker open or closed, or disable it, until it expires. Raises InvalidInput, NotFound, Conflict."""
    require(actor, Role.OPERATOR)
    _check(order)
    with transaction.atomic():
        row = locked(name)
        expires_at = timezone.now() + timedelta(seconds=order.seconds)
        values = {"mode": order.mode, "reason": order.reason.strip(), "expires_at": expires_at}
        return _change(actor, row, values, order.version, f"breaker.{order.mode}", order.reason.strip())


def clear(actor: Actor, name: str, version: int, reason: str = "") -> Override:
    """Take the order back: the breaker goes by its own rules again. Raises NotFound, Conflict."""
    require(actor, Role.OPERATOR)
    with transaction.atomic():
        row = locked(name)
        return _change(actor, row, dict(_NONE), version, "breaker.clear_override", reason)


def submit_override(actor: Actor, name: str, order: Order) -> Override | PendingChange:
    """As `override`, answered within two seconds: where another session holds it up, it is queued and retried."""
    return submit(actor, _OVERRIDE, Target("breaker", name, name), Mode(order.mode).label, name=name, **asdict(order))


def submit_clear(actor: Actor, name: str, version: int) -> Override | PendingChange:
    """The same for `clear`."""
    summary = "By its own rules again"
    return submit(actor, _CLEAR, Target("breaker", name, name), summary, name=name, version=version)


def _check(order: Order) -> None:
    if order.mode not in Mode.values:
        raise InvalidInput("mode", f"mode: choose one of {', '.join(Mode.values)}.")
    if not order.reason.strip():
        raise InvalidInput("reason", "reason: say why; whoever comes after you reads it here and in the audit.")
    if not 0 < order.seconds <= LONGEST_SECONDS:
        raise InvalidInput("seconds", "seconds: an override lasts for up to seven days.")


def locked(name: str) -> Override:
    """The breaker's override, held until the transaction ends. Raises NotFound.

    Never the breaker's own row: backends hold it while they move its state, for as long as they like.
    """
    row = Override.objects.select_for_update().filter(pk=name).first()
    if row is None:
        if not Breaker.objects.filter(pk=name).exists():
            raise NotFound(f"There is no breaker named {name}.")
        none = Override(breaker_id=name, version=0, set_at=timezone.now(), **_NONE)
        Override.objects.bulk_create([none], ignore_conflicts=True)
        row = Override.objects.select_for_update().get(pk=name)
    return row


def _read(name: str, lock: bool) -> Override:
    return locked(name) if lock else Override.objects.filter(pk=name).first() or Override(breaker_id=name, version=0)


def _override(actor: Actor, name: str, **order: Any) -> Override:
    return override(actor, name, Order(**order))


_OVERRIDE = register(Call("breakers.override", "breakers", _override, _read))
_CLEAR = register(Call("breakers.clear", "breakers", clear, _read))


def _change(actor: Actor, row: Override, values: dict[str, object], version: int, action: str, reason: str) -> Override:
    name = row.breaker_id
    before = snapshot(row, _RECORDED) if row.version else dict(_NONE)
    if row.version != version:
        raise Conflict(
            f"Somebody else has changed the override of {name} meanwhile.",
            current={**before, "version": row.version},
            submitted={**values, "version": version},
            target=("breaker", name),
        )
    for field, value in {**values, "actor": actor.name, "set_at": timezone.now()}.items():
        setattr(row, field, value)
    row.version += 1
    row.save()
    record(actor, action, Target("breaker", name, name), before=before, after=snapshot(row, _RECORDED), reason=reason)
    return row
