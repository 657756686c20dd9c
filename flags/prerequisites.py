"""What one flag asks of others: read, checked for existence and circles, and looked up the other way round."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from flags.models import Flag
from ops_console.errors import InvalidInput

STATES = ("on", "off")
_KEYS = {"flag", "state", "variants"}


def check_prerequisites(flag: Flag) -> None:
    """Each names a flag that is in force, and none leads back here. Raises InvalidInput."""
    for number, raw in enumerate(flag.prerequisites, 1):
        if said := _wrong(raw):
            raise InvalidInput("prerequisites", f"prerequisite {number}: {said}")
    named = parents(flag.prerequisites)
    if not named:
        return
    known = set(Flag.objects.filter(name__in=named, archived_at=None).values_list("name", flat=True)) | {flag.name}
    if missing := [name for name in named if name not in known]:
        raise InvalidInput("prerequisites", f"prerequisites: there is no flag named {missing[0]!r} in force.")
    if found := cycle(flag.name, {**_graph(), flag.name: named}):
        raise InvalidInput("prerequisites", f"prerequisites: go round in a circle: {' -> '.join(found)}.")


def parents(prerequisites: Iterable[Any]) -> list[str]:
    """The names of the flags that are asked for, each once, in their order."""
    return list(dict.fromkeys(each["flag"] for each in prerequisites if isinstance(each, dict) and "flag" in each))


def dependents(name: str) -> QuerySet[Flag]:
    """Flags in force that ask for this one."""
    return Flag.objects.filter(archived_at=None, prerequisites__contains=[{"flag": name}]).order_by("name")


def cycle(start: str, graph: Mapping[str, list[str]]) -> list[str]:
    """The way from `start` back to it, both ends named; empty where there is none."""
    waiting: list[list[str]] = [[start]]
    seen: set[str] = set()
    while waiting:
        way = waiting.pop()
        for parent in graph.get(way[-1], []):
            if parent == start:
                return [*way, parent]
            if parent not in seen:
                seen.add(parent)
                waiting.append([*way, parent])
    return []


def _graph() -> dict[str, list[str]]:
    rows = Flag.objects.filter(archived_at=None).exclude(prerequisites=[]).values_list("name", "prerequisites")
    return {name: parents(prerequisites) for name, prerequisites in rows}


def _wrong(raw: Any) -> str:
    if not isinstance(raw, dict) or not isinstance(raw.get("flag"), str) or not raw["flag"]:
        return 'is {"flag": name, "state": "on" or "off"}.'
    if unknown := raw.keys() - _KEYS:
        return f"{', '.join(sorted(unknown))}: is not known; there are {', '.join(sorted(_KEYS))}."
    state, variants = raw.get("state", "on"), raw.get("variants", [])
    if state not in STATES:
        return "state: is on or off."
    if not isinstance(variants, list) or not all(isinstance(each, str) and each for each in variants):
        return "variants: are names of variants of that flag."
    return "variants: go with the state on alone." if variants and state == "off" else ""
