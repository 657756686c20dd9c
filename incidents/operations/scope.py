"""Which operations are meant: a kind, a state, filters, or ids one by one. Frozen with the moment it was looked at."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

from incidents.operations.sources import DEFAULT_KIND


@dataclass(frozen=True)
class Scope:
    """What a list shows and what a bulk works on: one thing, so that the bulk cannot mean something else.

    `as_of` is the moment that ages are counted to; None is now. `owners` are user ids, None for all users.
    """

    kind: str = DEFAULT_KIND
    state: str = "stuck"
    older_than_seconds: int = 0
    owners: tuple[str, ...] | None = None
    text: str = ""
    ids: tuple[str, ...] | None = None
    as_of: datetime | None = None

    def at(self, moment: datetime) -> Self:
        """The same scope with its moment fixed: what became stuck later is not in it."""
        return replace(self, as_of=moment)

    def as_json(self) -> dict[str, Any]:
        """For the action's record; ids are not repeated there, the chunks hold them."""
        values = asdict(self)
        chosen = values.pop("ids")
        return {**values, "chosen": chosen is not None, "as_of": self.as_of.isoformat() if self.as_of else None}
