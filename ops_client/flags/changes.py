"""Following flags: who wants to hear of a new snapshot, and which flags may answer otherwise because of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from ops_client.flags.compile import Snapshot
from ops_client.flags.rules import FlagDefinition


class Watcher(Protocol):
    """Called on the thread that follows the configuration: what takes long belongs elsewhere."""

    def changed(self, before: Snapshot, after: Snapshot) -> None:
        """A new snapshot is in force."""

    def standing(self, source: str, reachable: bool) -> None:
        """After every look at the database: where the snapshot comes from, and whether the database answered."""


def changed_flags(before: Snapshot, after: Snapshot) -> list[str]:
    """The flags that may answer otherwise: defined otherwise, or by way of a segment or a flag they depend on."""
    segments = {
        name
        for name in before.segments.keys() | after.segments.keys()
        if before.segments.get(name) != after.segments.get(name)
    }
    # Of many flags few have changed: the others are not even read.
    found = {
        name
        for name in before.sources.keys() | after.sources.keys()
        if before.sources.get(name) != after.sources.get(name) and _meaning(before, name) != _meaning(after, name)
    }
    if segments:
        found |= {name for name, flag in after.definitions.items() if segments & _segments(flag)}
    return sorted(_with_children(found, after.parents))


def _meaning(snapshot: Snapshot, name: str) -> FlagDefinition | None:
    """A definition without its version, which every edit raises."""
    definition = snapshot.definitions.get(name)
    return None if definition is None or definition.archived else replace(definition, version=0)


def _segments(definition: FlagDefinition) -> set[str]:
    return {segment for rule in definition.rules for segment in rule.segments}


def _with_children(names: set[str], parents: Mapping[str, Iterable[str]]) -> set[str]:
    children: dict[str, list[str]] = {}
    for child, named in parents.items():
        for parent in named:
            children.setdefault(parent, []).append(child)
    found, waiting = set(names), list(names)
    while waiting:
        new = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(new)
        waiting += new
    return found
