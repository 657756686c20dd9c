"""Following flags: who wants to hear of a new snapshot, and which flags may answer otherwise because of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from ops_client.flags.compile import Snapshot
from ops_client.flags.rules import FlagDefinition
from ops_client.json_types import same_json


class Watcher(Protocol):
    """Called on the thread that follows the configuration: what takes long belongs elsewhere."""

    def changed(self, before: Snapshot, after: Snapshot) -> None:
        """A new snapshot is in force."""

    def standing(self, source: str, reachable: bool) -> None:
        """After every look at the database: where the snapshot comes from, and whether the database answered."""


def changed_flags(before: Snapshot, after: Snapshot) -> list[str]:
    """The flags that may answer otherwise: defined otherwise, or by way of a segment or a flag they depend on."""
    names = before.sources.keys() | after.sources.keys()
    differing = [name for name in names if not same_json(before.sources.get(name), after.sources.get(name))]
    found = {name for name in differing if _meaning(before, name) != _meaning(after, name)}
    return sorted(_with_children(found | _users_of_changed_segments(before, after), after.parents))


def _meaning(snapshot: Snapshot, name: str) -> FlagDefinition | None:
    """A definition without its version, which every edit raises."""
    if name not in snapshot.flags:
        return None
    return replace(snapshot.definitions.glance(name), version=0)


def _users_of_changed_segments(before: Snapshot, after: Snapshot) -> set[str]:
    names = before.segments.keys() | after.segments.keys()
    changed = {name for name in names if before.segments.get(name) != after.segments.get(name)}
    if not changed:
        return set()
    rules = {name: after.definitions.glance(name).rules for name in after.flags}
    return {name for name, each in rules.items() if any(not changed.isdisjoint(rule.segments) for rule in each)}


def _with_children(names: set[str], parents: Mapping[str, Iterable[str]]) -> set[str]:
    """These flags, those that depend on them, and so on."""
    found = set(names)
    while new := {child for child, asked in parents.items() if child not in found and not found.isdisjoint(asked)}:
        found |= new
    return found
