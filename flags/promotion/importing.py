"""Storing flags that come from a file, through the same services as everything else; a row is a change of its own."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from flags import segment_services, services
from flags.listed import set_listed
from flags.models import EVERYONE, Flag, Segment, State
from flags.prerequisites import parents
from flags.promotion.writing import portable
from ops_client.flags.imported import Imported
from ops_client.flags.rules import Problem
from ops_client.json_types import same_json
from ops_client.text import is_storable
from ops_console.access.actor import Actor
from ops_console.access.roles import Role, require
from ops_console.errors import ConsoleError, InvalidInput

_FLAG_FIELDS = {"name", "everyone", *services.EDITABLE, "groups", "users", "archived"}
_SEGMENT_FIELDS = {"name", *segment_services.EDITABLE}
Values = Mapping[str, Any]
# Stores a row under this name; what it was, empty for a new one, and what it is then.
Store = Callable[[str], tuple[Values, Values]]


class Outcome(StrEnum):
    """What became of a row, or would."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True)
class Result:
    """One row: the fields that differ, before and after, or why it was refused."""

    kind: str
    name: str
    outcome: Outcome
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """Row by row, segments first; `problems` are what of the file could not be read. A dry run changed nothing."""

    dry_run: bool
    results: list[Result]
    problems: list[Problem]

    @property
    def counts(self) -> dict[str, int]:
        counted = Counter(result.outcome for result in self.results)
        return {outcome.value: counted[outcome] for outcome in Outcome}


def run(actor: Actor, imported: Imported, *, dry_run: bool, with_state: bool = True, reason: str = "") -> Report:
    """Store what was read. Without `with_state` new flags come in off, and those that are here keep their switch.

    A dry run does the same and takes it all back. A row that cannot be is refused with a reason and stops no other.
    Raises NotAllowed.
    """
    require(actor, Role.OPERATOR)
    # For a dry run one transaction around all rows, so that a flag finds the segment that came before it.
    with transaction.atomic() if dry_run else nullcontext():
        results = [_stored("segment", row, _segment(actor, row, reason), dry_run) for row in imported.segments]
        for row in _parents_first(imported.flags):
            results.append(_stored("flag", row, _flag(actor, row, with_state, reason), dry_run))  # noqa: PERF401
        if dry_run:
            transaction.set_rollback(True)
    return Report(dry_run, results, list(imported.problems))


def _stored(kind: str, row: Values, store: Store, dry_run: bool) -> Result:
    name = row.get("name")
    if not isinstance(name, str) or not is_storable(name):
        return Result(kind, ascii(name)[:100], Outcome.REFUSED, reason="name: is text.")
    try:
        with transaction.atomic():
            result = _compared(kind, name, *map(_plain, store(name)))
            # A row that stands here is let go at once: a kill switch must not wait for the end of a dry run.
            if dry_run and result.outcome != Outcome.NEW and "prerequisites" not in result.after:
                transaction.set_rollback(True)
    except ConsoleError as error:
        return Result(kind, name, Outcome.REFUSED, reason=error.message)
    return result


def _compared(kind: str, name: str, before: Values, after: Values) -> Result:
    if not before:
        return Result(kind, name, Outcome.NEW, after=dict(after))
    differing = [field for field in after if not same_json(before.get(field), after[field])]
    outcome = Outcome.CHANGED if differing else Outcome.SAME
    then, now = ({field: side.get(field) for field in differing} for side in (before, after))
    return Result(kind, name, outcome, then, now)


def _segment(actor: Actor, row: Values, reason: str) -> Store:
    def store(name: str) -> tuple[Values, Values]:
        _require_known(row, _SEGMENT_FIELDS)
        standing = Segment.objects.filter(name=name).first()
        if standing is None:
            return {}, segment_services.recorded(segment_services.create_segment(actor, name, row, reason))
        before = segment_services.recorded(standing)
        changed = segment_services.edit_segment(actor, standing.pk, row, standing.version, reason)
        return before, segment_services.recorded(changed)

    return store


def _flag(actor: Actor, row: Values, with_state: bool, reason: str) -> Store:
    def store(name: str) -> tuple[Values, Values]:
        _require_known(row, _FLAG_FIELDS)
        state = _state(row) if with_state else None
        standing = Flag.objects.filter(name=name).first()
        if standing is None:
            flag = services.create(actor, name, row, state or State.OFF, reason)
            set_listed(actor, flag, row, reason, is_new=True)
            return {}, _read_again(flag)
        if standing.archived_at or row.get("archived"):
            raise InvalidInput("archived", f"{name} is archived {'here' if standing.archived_at else 'there'}.")
        before = portable(standing)
        flag = services.edit(actor, standing.pk, services.editable(row), standing.version, reason)
        if state is not None:
            flag = services.set_state(actor, flag.pk, state, reason)
        set_listed(actor, flag, row, reason)
        return before, before if flag.version == standing.version else _read_again(flag)

    return store


def _read_again(flag: Flag) -> Values:
    """As it is kept: 5 % that was written stands as 5.00."""
    flag.refresh_from_db()
    return portable(flag)


def _state(row: Values) -> State | None:
    if "everyone" not in row:
        return None
    if row["everyone"] is not None and not isinstance(row["everyone"], bool):
        raise InvalidInput("everyone", "everyone: is true, false or null.")
    return next(state for state, everyone in EVERYONE.items() if everyone is row["everyone"])


def _require_known(row: Values, known: set[str]) -> None:
    if unknown := sorted(map(str, row.keys() - known)):
        raise InvalidInput(unknown[0], f"{', '.join(unknown)}: is not known to this console.")


def _parents_first(rows: Iterable[Values]) -> list[Values]:
    """Every flag after those that it depends on, as far as they are in the file; otherwise in their order."""
    waiting = {str(row.get("name")): row for row in rows}
    ordered: list[Values] = []
    while waiting:
        ready = [name for name, row in waiting.items() if not _depends_on(row, waiting)]
        # Nobody is ready in a circle: its first flag is refused for what it asks for.
        ordered += [waiting.pop(name) for name in ready or list(waiting)[:1]]
    return ordered


def _depends_on(row: Values, names: Collection[str]) -> bool:
    asked = row.get("prerequisites")
    return isinstance(asked, list) and any(str(parent) in names for parent in parents(asked))


def _plain(values: Values) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain
