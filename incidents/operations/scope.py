"""Which operations are meant: a kind, a state, filters, or ids one by one. Frozen with the moment it was looked at."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Self

from incidents.operations.sources import DEFAULT_KIND

EVIDENCE = ("dead", "suspected")
_TIMES = ("as_of", "since", "until")


@dataclass(frozen=True)
class Scope:
    """What a list shows and what a bulk works on: one thing, so that the bulk cannot mean something else.

    `kind` "" is every kind. `as_of` is the moment that ages are counted to; None is now. `owners` are user ids, None
    for all users; `text_owners` are those whose mail matches `text`. `since` and `until` bound the time that the list
    is ordered by; `run` is an action, a sweep's for instance; `attempts` is the least number of them.
    """

    kind: str = DEFAULT_KIND
    state: str = "stuck"
    older_than_seconds: int = 0
    owners: tuple[str, ...] | None = None
    text: str = ""
    ids: tuple[str, ...] | None = None
    as_of: datetime | None = None
    evidence: str = ""
    worker: str = ""
    run: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    group: str | None = None
    attempts: int = 0
    tier: str = ""
    text_owners: tuple[str, ...] = ()
    ascending: bool | None = None

    def at(self, moment: datetime) -> Self:
        """The same scope with its moment fixed: what became stuck later is not in it."""
        return replace(self, as_of=moment)

    def in_state(self, state: str) -> Self:
        """The same filters in another state; ids one by one are not carried over."""
        return replace(self, state=state, ids=None)

    @property
    def narrows(self) -> bool:
        """Whether ids lead to its rows, whatever their order: of operations, of their users or of an action."""
        return self.ids is not None or self.owners is not None or self.run is not None

    def as_json(self) -> dict[str, Any]:
        """For the action's record: kind, state and whatever narrows them. The chunks hold the ids."""
        given = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "ids"}
        narrows = {name: value for name, value in given.items() if value != getattr(_WIDEST, name)}
        times = {name: value.isoformat() for name, value in narrows.items() if isinstance(value, datetime)}
        chosen = {} if self.ids is None else {"chosen": True}
        return {"kind": self.kind, "state": self.state, **narrows, **times, **chosen}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `as_json` wrote, whole; of a scope without ids."""
        given = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        times = {name: datetime.fromisoformat(given[name]) for name in _TIMES if given.get(name)}
        return cls(**{**given, **lists, **times})


_WIDEST = Scope()
