"""All flags at one revision, ready to be asked: a dict of closures, swapped whole and never changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from ops_client.flags.conditions import segments_by_name
from ops_client.flags.context import Context
from ops_client.flags.evaluate import CompiledFlag, compile_flag, parents_by_flag
from ops_client.flags.explain import Explanation, Reason, by_default, explain
from ops_client.flags.prerequisites import cycles
from ops_client.flags.rules import FlagDefinition, Problem, Segment
from ops_client.flags.variants import DISABLED, Variant


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was in force at a revision. Readers keep the one they hold while a newer one takes its place."""

    revision: int
    flags: Mapping[str, CompiledFlag]
    definitions: Mapping[str, FlagDefinition]
    problems: tuple[Problem, ...] = ()
    segments: Mapping[str, Segment] = field(default_factory=dict)

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
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Snapshot:
    """Turn definitions into closures. A rule that cannot be followed is off and listed in `problems`."""
    known = {definition.name: definition for definition in definitions}
    named = {each.name: each for each in segments}
    segment = segments_by_name(named, now)
    knotted = cycles(parents_by_flag(known.values()))
    flags: dict[str, CompiledFlag] = {}
    for name, definition in known.items():
        if not definition.archived:
            flags[name] = compile_flag(definition, now, segment, flags.get, lambda child: knotted.get(child, ()))
    problems = tuple(problem for flag in flags.values() for problem in flag.problems)
    return Snapshot(revision, MappingProxyType(flags), MappingProxyType(known), problems, MappingProxyType(named))


EMPTY = Snapshot(0, MappingProxyType({}), MappingProxyType({}))
