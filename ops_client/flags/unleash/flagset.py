"""Asking flags that came from Unleash, in its words: what a test of a migration compares."""

from collections.abc import Mapping

from ops_client.flags.compile import Snapshot, compile_snapshot
from ops_client.flags.rules import Problem, definition_from_row, segments_from_rows
from ops_client.flags.unleash.names import context as in_our_words
from ops_client.flags.unleash.translate import rows
from ops_client.flags.variants import Variant


class FlagSet:
    """The flags of one document. Contexts are in Unleash's spelling; the answers are our evaluator's."""

    def __init__(self, snapshot: Snapshot, problems: tuple[Problem, ...]) -> None:
        self.snapshot = snapshot
        self.problems = problems

    def is_enabled(self, name: str, context: Mapping[str, object] | None = None) -> bool:
        """Is the feature on for this context? An unknown one is off."""
        return self.snapshot.is_enabled(name, in_our_words(context or {}))

    def variant(self, name: str, context: Mapping[str, object] | None = None) -> Variant:
        """The variant for this context; `disabled` where there is none, the feature is off, or it is unknown."""
        return self.snapshot.variant(name, in_our_words(context or {}))


def load(state: Mapping[str, object]) -> FlagSet:
    """Read Unleash's client features document, or its delta (`events`), as flags that can be asked.

    A strategy that cannot be followed (unknown, or with a part that makes no sense) is off and listed in `problems`.
    Raises InvalidInput, naming the place, where `state` is no such document.
    """
    found = rows(state)
    definitions = [definition_from_row(row) for row in found.flags]
    snapshot = compile_snapshot(definitions, 0, segments_from_rows(found.segments))
    return FlagSet(snapshot, (*found.problems, *snapshot.problems))
