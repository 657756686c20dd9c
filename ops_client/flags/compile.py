"""All flags at one revision: swapped whole, never changed, and made ready one by one as they are asked for.

Of ten thousand flags a process asks for a few dozen, so a snapshot holds rows and compiles what is wanted. What a newer
snapshot has in common with the one before it takes over as it is.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

from ops_client.flags.conditions import Now, segments_by_name
from ops_client.flags.context import Context
from ops_client.flags.evaluate import CompiledFlag, compile_flag, parents_by_flag
from ops_client.flags.explain import Explanation, Reason, by_default, explain
from ops_client.flags.prerequisites import refusals
from ops_client.flags.rules import (
    FlagDefinition,
    Problem,
    Segment,
    definition_from_row,
    fields_of_flag,
    fields_of_segments,
)
from ops_client.flags.variants import DISABLED, Variant
from ops_client.json_types import same_json

Source = FlagDefinition | Mapping[str, object]
V = TypeVar("V")


class Made(Mapping[str, V]):
    """Values that are made at the first question for them, and kept."""

    def __init__(self, names: Collection[str], make: Callable[[str], V]) -> None:
        self._names = names
        self._make = make
        self.made: dict[str, V] = {}

    def __getitem__(self, name: str) -> V:
        found = self.made.get(name)
        if found is not None:
            return found
        if name not in self._names:
            raise KeyError(name)
        # Two threads may make the same value; both go on with the one that was kept.
        return self.made.setdefault(name, self._make(name))

    def glance(self, name: str) -> V:
        """The value of a name that is there, not kept if it was not there yet."""
        return self.made.get(name) or self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, slots=True)
class Finding:
    """What looking through one flag found: what cannot be followed, and which fields of a context it reads."""

    problems: tuple[Problem, ...]
    fields: frozenset[str]


@dataclass(frozen=True)
class Snapshot:
    """What was in force at a revision. Readers keep the one they hold while a newer one takes its place.

    `flags` are those that are not archived.
    """

    revision: int
    flags: Made[CompiledFlag]
    definitions: Made[FlagDefinition]
    sources: Mapping[str, Source] = field(repr=False)
    segments: Mapping[str, Segment] = field(repr=False)
    findings: dict[str, Finding] = field(repr=False, default_factory=dict)

    @cached_property
    def parents(self) -> dict[str, list[str]]:
        """Which flags each flag depends on, for those that do."""
        return parents_by_flag(_read(source) for source in self.sources.values() if _has_parents(source))

    @cached_property
    def refusals(self) -> dict[str, str]:
        """The flags whose prerequisites cannot be asked, and why."""
        return refusals(self.parents)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What this version cannot follow. Looks through all flags, so it is asked for in the background."""
        return tuple(problem for finding in self._all_findings() for problem in finding.problems)

    @cached_property
    def fields(self) -> frozenset[str]:
        """The context's fields that some flag or segment reads. Looks through all flags, like `problems`."""
        return fields_of_segments(self.segments.values()).union(*{finding.fields for finding in self._all_findings()})

    def _all_findings(self) -> Iterator[Finding]:
        for name in self.flags:
            found = self.findings.get(name)
            if found is None:
                flag = self.flags.glance(name)
                found = self.findings[name] = Finding(flag.problems, fields_of_flag(flag.definition))
            yield found

    def is_enabled(self, name: str, context: Context, default: bool = False) -> bool:
        """A flag that is unknown or archived answers the default. Never raises for what a context holds."""
        flag = self.flags.get(name)
        return default if flag is None else flag.is_on(context)

    def variant(self, name: str, context: Context) -> Variant:
        """The variant of this context; DISABLED for a flag that is off, unknown or archived."""
        flag = self.flags.get(name)
        return DISABLED if flag is None else flag.variant(context)

    def explain(self, name: str, context: Context, default: bool = False) -> Explanation:
        """Why a flag answers as it does. Never raises for what a context holds."""
        flag = self.flags.get(name)
        if flag is not None:
            return explain(flag, context)
        return by_default(name, default, Reason.ARCHIVED if name in self.definitions else Reason.UNDEFINED)


def compile_snapshot(
    definitions: Iterable[FlagDefinition],
    revision: int,
    segments: Iterable[Segment] = (),
    now: Now = lambda: datetime.now(UTC),
) -> Snapshot:
    """A snapshot of definitions. A rule that cannot be followed is off and listed in `problems`."""
    return _snapshot({each.name: each for each in definitions}, revision, segments, now)


def snapshot_from_rows(
    rows: Iterable[Mapping[str, object]],
    revision: int,
    segments: Iterable[Segment] = (),
    before: "Snapshot | None" = None,
) -> Snapshot:
    """The same of rows of the contract, read when they are asked for. A row without a name is left out."""
    sources = {name: row for row in rows if isinstance(name := row.get("name"), str) and name}
    return _snapshot(sources, revision, segments, lambda: datetime.now(UTC), before)


def _snapshot(
    sources: Mapping[str, Source], revision: int, segments: Iterable[Segment], now: Now, before: Snapshot | None = None
) -> Snapshot:
    named = {each.name: each for each in segments}
    definitions = Made(sources, lambda name: _read(sources[name]))
    segment = segments_by_name(named, now)

    def make(name: str) -> CompiledFlag:
        return compile_flag(
            definitions.glance(name), now, segment, flags.get, lambda child: snapshot.refusals.get(child, "")
        )

    flags = Made(dict.fromkeys(name for name, source in sources.items() if not _is_archived(source)), make)
    snapshot = Snapshot(revision, flags, definitions, sources, named)
    if before is not None:
        _take_over(before, snapshot)
    return snapshot


def _take_over(before: Snapshot, snapshot: Snapshot) -> None:
    """Flags that say what they said, and refer to what they referred to, need not be made and looked through again."""
    if before.segments != snapshot.segments:
        return
    # Copies: other threads may be asking the older snapshot for more.
    made, findings = before.flags.made.copy(), before.findings.copy()
    for name in made.keys() | findings.keys():
        source = snapshot.sources.get(name)
        if source is None or not same_json(source, before.sources[name]) or _has_parents(source):
            continue
        if name in made:
            snapshot.flags.made[name] = made[name]
        if name in findings:
            snapshot.findings[name] = findings[name]


def _has_parents(source: Source) -> bool:
    return bool(source.prerequisites if isinstance(source, FlagDefinition) else source.get("prerequisites"))


def _read(source: Source) -> FlagDefinition:
    return source if isinstance(source, FlagDefinition) else definition_from_row(source)


def _is_archived(source: Source) -> bool:
    return source.archived if isinstance(source, FlagDefinition) else source.get("archived") is True


EMPTY = compile_snapshot([], 0)
