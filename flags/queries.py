"""Every read that the flags' list and pages need, besides usage, staleness and previews."""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet

from flags.models import Flag, Presence, Segment
from flags.schedule import AHEAD
from flags.staleness import stale, with_staleness
from ops_console.compiled import compiled, totals
from ops_console.errors import NotFound
from ops_console.pending_changes.services import pending_text

_MOST_PEOPLE = 40
_MOST_OFFERED = 100  # names in an input's list: a page stays small; any other can be typed
MOST_BOXES = 50
_STATES = {
    "on": Q(archived_at=None, everyone=True),
    "rules": Q(archived_at=None, everyone=None),
    "off": Q(archived_at=None, everyone=False),
    "scheduled": Q(archived_at=None) & AHEAD,
    "archived": Q(archived_at__isnull=False),
}
STALE = "stale"
_TAGS = """
SELECT tag, count(*) FROM ops.flags_flag f, jsonb_array_elements_text(f.tags) AS tag
WHERE f.archived_at IS NULL AND jsonb_typeof(f.tags) = 'array' GROUP BY tag ORDER BY tag
"""


def flags(text: str = "", state: str = "", kind: str = "", tag: str = "", owner: str = "") -> QuerySet[Flag]:
    """Flags whose name, note or owner holds the text, in one state (`scheduled` and `stale` too), of a kind, with a
    tag, of an owner; without a state, all that are not archived. They carry what `staleness.reasons` asks."""
    found = _matching(text, kind, tag, owner)
    return stale(found) if state == STALE else with_staleness(found).filter(_STATES.get(state, Q(archived_at=None)))


def counts(text: str = "", kind: str = "", tag: str = "", owner: str = "") -> dict[str, int]:
    """How many flags each tab holds, for the same filters; two queries."""
    [numbers], [(stale_number,)] = _states(text, kind, tag, owner), _number_stale(text, kind, tag, owner)
    found = dict(zip(_STATES, numbers, strict=True))
    return {**found, "": found["on"] + found["rules"] + found["off"], STALE: stale_number}


@compiled
def _states(*filters: str) -> QuerySet[Any]:
    return totals(_matching(*filters), [Count("pk", filter=condition) for condition in _STATES.values()])


@compiled
def _number_stale(*filters: str) -> QuerySet[Any]:
    return totals(stale(_matching(*filters)), [Count("pk")])


def flag(flag_id: int) -> Flag:
    """One flag with its listed users and groups, what `staleness.reasons` asks, and `pending`, the change
    that waits for a lock. Raises NotFound.
    """
    one = with_staleness(Flag.objects.prefetch_related("users", "groups")).filter(pk=flag_id)
    found = one.annotate(pending=pending_text("flag", OuterRef("pk"))).first()
    if found is None:
        raise NotFound("There is no such flag. It may have been removed; the audit knows.")
    return found


def flag_named(name: str) -> Flag:
    """The same by name. Raises NotFound."""
    flag_id = Flag.objects.filter(name=name).values_list("pk", flat=True).first()
    if flag_id is None:
        raise NotFound(f"There is no flag named {name!r}.")
    return flag(flag_id)


def flag_names(besides: int = 0) -> list[str]:
    """Flags in force that another could ask for as a prerequisite."""
    found = Flag.objects.filter(archived_at=None).exclude(pk=besides).order_by("name")
    return list(found.values_list("name", flat=True)[:_MOST_OFFERED])


def segment_names(chosen: Collection[str] = ()) -> list[str]:
    """The first segments that a rule could name, and those that rules chose; any other can be typed."""
    first = list(Segment.objects.order_by("name").values_list("name", flat=True)[:MOST_BOXES])
    others = Segment.objects.filter(name__in=set(chosen).difference(first)).order_by("name")
    return [*first, *others.values_list("name", flat=True)] if len(first) == MOST_BOXES else first


def owners() -> list[str]:
    """Who is named as an owner of a flag in force, for the filter."""
    found = Flag.objects.filter(archived_at=None).exclude(owner="")
    return list(found.order_by("owner").values_list("owner", flat=True).distinct())


def tags() -> dict[str, int]:
    """Tags of flags in force and how many carry each, for the filter."""
    with connection.cursor() as cursor:
        cursor.execute(_TAGS)
        return dict(cursor.fetchall())


def _matching(text: str, kind: str, tag: str, owner: str) -> QuerySet[Flag]:
    exact = {"kind": _plain(kind), "tags__contains": [tag] if (tag := _plain(tag)) else "", "owner": _plain(owner)}
    return _holding(_plain(text)).filter(**{field: value for field, value in exact.items() if value})


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()


def _holding(text: str) -> QuerySet[Flag]:
    if not text:
        return Flag.objects.all()
    return Flag.objects.filter(Q(name__icontains=text) | Q(note__icontains=text) | Q(owner__icontains=text))


def people_seen_lately() -> list[str]:
    """Some users whom a backend has just seen, to try a flag on."""
    return list(Presence.objects.order_by("-seen_at").values_list("user_id", flat=True)[:_MOST_PEOPLE])
