"""What entries are about: where a thing's page is, how its versions read, and where its changes are reverted.

Each app registers its kinds of thing in `AppConfig.ready`, so that the audit knows none of the apps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from ops_console.audit.models import Entry
from ops_console.audit.revert import can_revert

Version = Mapping[str, Any] | None
Arguments = Callable[[str], Sequence[Any]]


@dataclass(frozen=True)
class Thing:
    """`page` is the name of its URL, `arguments` makes the URL's arguments from the id that entries have."""

    page: str
    arguments: Arguments
    describe: Callable[[Version, Version], tuple[Version, Version]]
    revert: str


_THINGS: dict[str, Thing] = {}


def as_number(target_id: str) -> Sequence[Any]:
    return [int(target_id)]


def as_name(target_id: str) -> Sequence[Any]:
    return [target_id]


def as_none(target_id: str) -> Sequence[Any]:
    """For a kind of which one page shows all."""
    return []


def _as_written(before: Version, after: Version) -> tuple[Version, Version]:
    return before, after


def register(
    target_type: str,
    page: str,
    arguments: Arguments,
    describe: Callable[[Version, Version], tuple[Version, Version]] = _as_written,
    revert: str = "audit:revert",
) -> None:
    """Name the page of this type of thing. `revert`: a URL of its own, of the thing's arguments and the entry's id."""
    _THINGS[target_type] = Thing(page, arguments, describe, revert)


def types() -> list[str]:
    """Every registered type, for the filter's suggestions."""
    return sorted(_THINGS)


def page_of(entry: Entry) -> str:
    """The page of what an entry is about, which says whether the thing still exists; "" where it has none."""
    thing = _THINGS.get(entry.target_type)
    return _reverse(thing.page, thing, entry.target_id) if thing else ""


def revert_page(entry: Entry) -> str:
    """Where the change can be reverted; "" where it cannot be."""
    thing = _THINGS.get(entry.target_type)
    if thing is None or not can_revert(entry):
        return ""
    if thing.revert == "audit:revert":
        return reverse("audit:revert", args=[entry.pk])
    return _reverse(thing.revert, thing, entry.target_id, entry.pk)


def versions(entry: Entry) -> tuple[Version, Version]:
    """Before and after, in the words of the thing's own history."""
    thing = _THINGS.get(entry.target_type)
    return thing.describe(entry.before, entry.after) if thing else (entry.before, entry.after)


def _reverse(name: str, thing: Thing, target_id: str, *more: Any) -> str:
    """The address; "" for an id of another form, which what was written in the database may have."""
    try:
        return reverse(name, args=[*thing.arguments(target_id), *more])
    except (NoReverseMatch, ValueError):
        return ""
