"""What one flag asks of others: checked for existence and circles, and looked up the other way round."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from flags.models import Flag
from ops_client.errors import OpsError
from ops_client.flags.prerequisites import MOST_ASKED, asks_too_many, cycle_through, prerequisite_from_json
from ops_console.errors import InvalidInput


def check_prerequisites(flag: Flag) -> None:
    """Each names a flag that is in force, and none leads back here. Raises InvalidInput."""
    for number, raw in enumerate(flag.prerequisites, 1):
        try:
            prerequisite_from_json(raw)
        except OpsError as error:
            raise InvalidInput("prerequisites", f"prerequisite {number}: {error.message}.") from error
    named = parents(flag.prerequisites)
    if not named:
        return
    known = set(Flag.objects.filter(name__in=named, archived_at=None).values_list("name", flat=True)) | {flag.name}
    if missing := [name for name in named if name not in known]:
        raise InvalidInput("prerequisites", f"prerequisites: there is no flag named {missing[0]!r} in force.")
    before = _graph()
    graph = {**before, flag.name: named}
    if way := cycle_through(flag.name, graph):
        raise InvalidInput("prerequisites", f"prerequisites: go round in a circle: {' -> '.join(way)}.")
    if child := next((name for name in graph if asks_too_many(name, graph) and not asks_too_many(name, before)), None):
        raise InvalidInput("prerequisites", f"prerequisites: {child} would ask more than {MOST_ASKED} flags in all.")


def parents(prerequisites: Any) -> list[str]:
    """The names of the flags that are asked for, each once, in their order. SQL may have written anything there."""
    rows = prerequisites if isinstance(prerequisites, list) else []
    named = (each.get("flag") for each in rows if isinstance(each, dict))
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))


def dependents(name: str) -> QuerySet[Flag]:
    """Flags in force that ask for this one."""
    return Flag.objects.filter(archived_at=None, prerequisites__contains=[{"flag": name}]).order_by("name")


def protected_dependents(*names: str) -> list[str]:
    """Protected flags in force whose answer depends on one of these, directly or through others; one query."""
    asked_by: dict[str, list[str]] = {}
    protected = set()
    rows = Flag.objects.filter(archived_at=None).exclude(prerequisites=[])
    for child, prerequisites, is_protected in rows.values_list("name", "prerequisites", "protected"):
        for parent in parents(prerequisites):
            asked_by.setdefault(parent, []).append(child)
        if is_protected:
            protected.add(child)
    found, seen = list(names), set(names)
    for each in found:
        new = [child for child in asked_by.get(each, ()) if child not in seen]
        seen.update(new)
        found += new
    return sorted(protected.intersection(found[len(names) :]))


def needed(names: Iterable[str]) -> dict[str, list[str]]:
    """Of these flags, those that others in force ask for, and which; one query."""
    wanted, found = set(names), dict[str, list[str]]()
    for child, asked in sorted(_graph().items()):
        for parent in wanted.intersection(asked):
            found.setdefault(parent, []).append(child)
    return found


def _graph() -> dict[str, list[str]]:
    rows = Flag.objects.filter(archived_at=None).exclude(prerequisites=[]).values_list("name", "prerequisites")
    return {name: parents(prerequisites) for name, prerequisites in rows}
