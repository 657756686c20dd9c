"""Trying a change for a second, queueing it, and retrying it until it is done or refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import CharField, F, OuterRef, Subquery
from django.db.models.functions import Cast
from django.utils import timezone
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from ops_console.access.actor import Actor
from ops_console.access.models import User
from ops_console.access.roles import reaches
from ops_console.audit.services import Target, record
from ops_console.errors import ConsoleError, InvalidInput, NotAllowed
from ops_console.live import publish
from ops_console.pending_changes.models import PendingChange

# Answered within two seconds: a wait for a lock in the change, another one in its COMMIT, and queueing it.
FIRST_MILLISECONDS = 700
# The worker waits for longer than the watchdog lets a backend session hold it up (contract/watchdog.py).
RETRY_MILLISECONDS = 5_000
_HELD_UP = (LockNotAvailable, QueryCanceled, DeadlockDetected)
PENDING = PendingChange.Status.PENDING


class Versioned(Protocol):
    version: int


R = TypeVar("R", bound=Versioned)


@dataclass(frozen=True)
class Call(Generic[R]):
    """A service that changes one thing: `run(actor, **arguments)`. It may run again after it was rolled back.

    `read` gives the thing as it stands by its id, and with `lock` holds it until the transaction ends. Arguments are
    JSON. `topic` is what open pages follow.
    """

    name: str
    topic: str
    run: Callable[..., R]
    read: Callable[..., Versioned]


_calls: dict[str, Call[Any]] = {}


def register(call: Call[R]) -> Call[R]:
    """Make a call known to the worker. Called once for each at the start."""
    _calls[call.name] = call
    return call


def submit(actor: Actor, call: Call[R], target: Target, summary: str, **arguments: Any) -> R | PendingChange:
    """Make the change, or queue it where another session holds it up. Raises what the service raises.

    The whole call is repeated: a lock may be waited for in any statement of it, and in its COMMIT.
    """
    try:
        with _bounded(FIRST_MILLISECONDS):
            return call.run(actor, **arguments)
    except OperationalError as error:
        if not isinstance(error.__cause__, _HELD_UP):
            raise
    with transaction.atomic():
        waiting = PendingChange.objects.filter(target_type=target.type, target_id=target.id, status=PENDING)
        waiting.update(status=PendingChange.Status.REPLACED, ended_at=timezone.now())
        change = PendingChange.objects.create(
            call=call.name,
            arguments=arguments,
            actor=asdict(actor),
            target_type=target.type,
            target_id=target.id,
            target_label=target.label[:300],
            summary=summary,
            version=call.read(target.id, lock=False).version,
        )
        record(actor, f"{target.type}.queue", target, after={"change": summary}, reason=arguments.get("reason", ""))
        publish(call.topic)
    return change


def apply_pending() -> int:
    """Retry every pending change; how many have ended, well or not. Two workers at once do none twice."""
    waiting = PendingChange.objects.filter(status=PENDING).order_by("attempts", "pk")
    return sum(_ended(change) for change in waiting[:100])


def pending_text(target_type: str, target_id: OuterRef) -> Subquery:
    """What is still to be done to a row of an outer query, in few words; NULL where nothing is."""
    found = PendingChange.objects.filter(
        target_type=target_type, target_id=Cast(target_id, CharField()), status=PENDING
    )
    return Subquery(found.values("summary"))


def _ended(change: PendingChange) -> bool:
    target = Target(change.target_type, change.target_id, change.target_label)
    call = _calls[change.call]
    try:
        with _bounded(RETRY_MILLISECONDS):
            if call.read(change.target_id, lock=True).version != change.version:
                raise InvalidInput("version", f"{change.target_label} was changed meanwhile.")
            call.run(_actor(change), **change.arguments)
            if not _set(change, PendingChange.Status.DONE):
                transaction.set_rollback(True)  # another worker has done it, or another change has replaced it
    except OperationalError as error:
        if not isinstance(error.__cause__, _HELD_UP):
            raise
        PendingChange.objects.filter(pk=change.pk).update(attempts=F("attempts") + 1)
        return False
    except ConsoleError as error:
        with transaction.atomic():
            if _set(change, PendingChange.Status.REFUSED, error.message):
                after = {"change": change.summary, "refused": error.message}
                record(Actor(**change.actor), f"{target.type}.refuse", target, after=after)
                publish(call.topic)
    return True


def _set(change: PendingChange, status: PendingChange.Status, message: str = "") -> int:
    still = PendingChange.objects.filter(pk=change.pk, status=PENDING)
    return still.update(status=status, message=message, ended_at=timezone.now())


def _actor(change: PendingChange) -> Actor:
    """Who asked for it, with no more rights than they have now. Raises NotAllowed."""
    actor = Actor(**change.actor)
    if actor.user_id is None:
        return actor
    user = User.objects.filter(pk=actor.user_id, is_active=True).first()
    if user is None:
        raise NotAllowed(f"{actor.name} is no longer an active user.")
    return actor if reaches(user.role, actor.role) else replace(actor, role=user.role)


@contextmanager
def _bounded(milliseconds: int) -> Iterator[None]:
    """A transaction in which no statement, COMMIT included, waits for a lock for longer than this."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])
        yield
