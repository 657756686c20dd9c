"""Flags that depend on others: what is required of a parent, and the refusal of cycles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ops_client.errors import InvalidInput
from ops_client.flags import fields

# A flag asks its parents at every check, and they theirs: where ways part and meet again, the number doubles.
MOST_ASKED = 100

_KEYS = frozenset({"flag", "state", "variants"})


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """The parent must be on (in one of `variants`, where there are any), or off. A parent that is gone is off."""

    flag: str
    on: bool = True
    variants: tuple[str, ...] = ()


def prerequisites_from_json(of: Mapping[str, object]) -> tuple[Prerequisite, ...]:
    """The `prerequisites` of a flag. Raises InvalidInput, naming the field, for anything not understood."""
    return tuple(prerequisite_from_json(each) for each in fields.items(of, "prerequisites"))


def prerequisite_from_json(raw: object) -> Prerequisite:
    """Read `{"flag": ..., "state": "on" | "off", "variants": [...]}`. Raises InvalidInput, naming the field."""
    entry = fields.entry(raw, "prerequisites", _KEYS)
    state = entry.get("state", "on")
    if not isinstance(state, str) or state not in {"on", "off"}:
        raise InvalidInput("state", "is on or off")
    variants = tuple(fields.filled(each, "variants") for each in fields.items(entry, "variants"))
    if variants and state == "off":
        raise InvalidInput("variants", "are asked of a flag that is on")
    return Prerequisite(fields.filled(entry.get("flag"), "flag"), state == "on", variants)


Parents = Mapping[str, Iterable[str]]


def cycle_through(name: str, parents: Parents) -> tuple[str, ...]:
    """The way from a flag over its parents back to itself, both ends named; empty where there is none."""
    came_from: dict[str, str] = {}
    waiting = [name]
    while waiting:
        child = waiting.pop()
        for parent in parents.get(child, ()):
            if parent == name:
                return _way(name, child, came_from)
            if parent not in came_from:
                came_from[parent] = child
                waiting.append(parent)
    return ()


def asks_too_many(name: str, parents: Parents) -> bool:
    """Would one check of a flag ask more than MOST_ASKED flags, each as often as a way leads to it?"""
    asked, waiting = 0, [name]
    while waiting:
        above = [*parents.get(waiting.pop(), ())]
        waiting += above
        asked += len(above)
        if asked > MOST_ASKED:
            return True
    return False


def refusals(parents: Parents) -> dict[str, str]:
    """The flags whose prerequisites cannot be asked, with what is wrong with them."""
    found = {name: f"it depends on itself: {' → '.join(way)}" for name, way in cycles(parents).items()}
    # Those are off without asking anybody.
    asking = {name: above for name, above in parents.items() if name not in found}
    too_many = f"it asks more than {MOST_ASKED} flags, their own prerequisites included"
    return found | {name: too_many for name in asking if asks_too_many(name, asking)}


def cycles(parents: Parents) -> dict[str, tuple[str, ...]]:
    """Every flag that depends on itself, with the way back to it."""
    left = _knotted(parents)
    return {name: way for name in left if (way := cycle_through(name, left))}


def _knotted(parents: Parents) -> dict[str, set[str]]:
    """What is left when all that depend on nothing that is left are taken away, again and again."""
    left = {child: {each for each in named if each in parents} for child, named in parents.items()}
    children: dict[str, list[str]] = {}
    for child, named in left.items():
        for parent in named:
            children.setdefault(parent, []).append(child)
    free = [child for child, named in left.items() if not named]
    while free:
        done = free.pop()
        del left[done]
        for child in children.get(done, ()):
            left[child].discard(done)
            if not left[child]:
                free.append(child)
    return left


def _way(name: str, last: str, came_from: Mapping[str, str]) -> tuple[str, ...]:
    way = [name, last]
    while way[-1] != name:
        way.append(came_from[way[-1]])
    return tuple(reversed(way))
