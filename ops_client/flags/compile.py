"""All flags at one revision, ready to be asked: a dict of closures, swapped whole and never changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from ops_client.flags.evaluate import Context, Matcher, flag_matcher
from ops_client.flags.rules import FlagDefinition, Problem, Segment


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was in force at a revision. Readers keep the one they hold while a newer one takes its place."""

    revision: int
    flags: Mapping[str, Matcher]
    definitions: Mapping[str, FlagDefinition]
    problems: tuple[Problem, ...] = ()

    def is_enabled(self, name: str, context: Context, default: bool = False) -> bool:
        """A flag that is unknown or archived answers the default. Never raises for what a context holds."""
        matcher = self.flags.get(name)
        return default if matcher is None else matcher(context)


def compile_snapshot(
    definitions: Iterable[FlagDefinition],
    revision: int,
    segments: Iterable[Segment] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Snapshot:
    """Turn definitions into closures. A rule that cannot be followed is off and listed in `problems`."""
    named = {segment.name: segment for segment in segments}
    known = {definition.name: definition for definition in definitions}
    flags: dict[str, Matcher] = {}
    problems: list[Problem] = []
    for name, definition in known.items():
        if not definition.archived:
            flags[name], found = flag_matcher(definition, now, named)
            problems += found
    return Snapshot(revision, MappingProxyType(flags), MappingProxyType(known), tuple(problems))


EMPTY = Snapshot(0, MappingProxyType({}), MappingProxyType({}))
