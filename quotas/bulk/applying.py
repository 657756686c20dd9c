"""Does what was planned, through the service that a single override goes through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.errors import ConsoleError, InvalidInput
from quotas.bulk.planning import Outcome, Planned
from quotas.services import remove_override, set_override

# One commit raises the revision once, and every backend process reads it all again.
ROWS_A_COMMIT = 200
_DOES_SOMETHING = {Outcome.NEW, Outcome.CHANGED, Outcome.REMOVED}


@dataclass(frozen=True)
class Done:
    """The rows with what came of each, and how many had each outcome."""

    rows: list[Planned]

    @property
    def counts(self) -> dict[str, int]:
        return {outcome.value: sum(row.outcome == outcome for row in self.rows) for outcome in Outcome}


def apply(actor: Actor, rows: Sequence[Planned], reason: str = "") -> Done:
    """Do what each row says; a row that somebody was faster with is refused, and the others go on.

    `reason` is for removals without one. Raises NotAllowed, and InvalidInput where no row does anything.
    """
    require(actor, Role.OPERATOR)
    if not any(row.outcome in _DOES_SOMETHING for row in rows):
        raise InvalidInput("file", "file: no row changes anything.")
    done: list[Planned] = []
    for start in range(0, len(rows), ROWS_A_COMMIT):
        with transaction.atomic():
            done += _commit(actor, rows[start : start + ROWS_A_COMMIT], reason)
    return Done(done)


def _commit(actor: Actor, rows: Iterable[Planned], reason: str) -> list[Planned]:
    done = []
    for row in rows:
        try:
            with transaction.atomic():
                _do(actor, row, reason)
            done.append(row)
        except ConsoleError as error:
            done.append(replace(row, outcome=Outcome.REFUSED, message=error.message))
    return done


def _do(actor: Actor, row: Planned, reason: str) -> None:
    if row.outcome not in _DOES_SOMETHING or row.person is None:
        return
    if row.wanted is None:
        remove_override(actor, row.person.id, row.asked.resource, row.version, row.asked.reason or reason)
    else:
        set_override(actor, row.person.id, row.asked.resource, row.wanted)
