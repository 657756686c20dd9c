"""Every read that the flags' pages need."""

from typing import Any

from django.db.models import Count, Q, QuerySet

from flags.models import Flag, Segment
from ops_console.errors import NotFound

_MOST_OFFERED = 500  # names in an input's list: a page stays small; any other can be typed
_STATES = {
    "on": Q(archived_at=None, everyone=True),
    "rules": Q(archived_at=None, everyone=None),
    "off": Q(archived_at=None, everyone=False),
    "archived": Q(archived_at__isnull=False),
}


def flags(text: str = "", state: str = "") -> QuerySet[Flag]:
    """Flags whose name, note or owner holds the text, in one state; without a state, all that are not archived."""
    found = _holding(text).filter(_STATES.get(state, Q(archived_at=None)))
    return found.annotate(listed_users=Count("users", distinct=True), listed_groups=Count("groups", distinct=True))


def counts(text: str = "") -> dict[str, int]:
    """How many flags each tab holds, for the same text; one query."""
    aggregates = {name: Count("pk", filter=condition) for name, condition in _STATES.items()}
    found: dict[str, Any] = _holding(text).aggregate(**aggregates)
    return {**found, "": found["on"] + found["rules"] + found["off"]}


def flag(flag_id: int) -> Flag:
    """One flag with its listed users and groups. Raises NotFound."""
    found = Flag.objects.prefetch_related("users", "groups").filter(pk=flag_id).first()
    if found is None:
        raise NotFound("There is no such flag. It may have been removed; the audit knows.")
    return found


def segment_names() -> list[str]:
    """The segments that a rule can name."""
    return list(Segment.objects.values_list("name", flat=True))


def flag_names(besides: int) -> list[str]:
    """The flags in force that another one can depend on."""
    found = Flag.objects.filter(archived_at=None).exclude(pk=besides).order_by("name")
    return list(found.values_list("name", flat=True)[:_MOST_OFFERED])


def _holding(text: str) -> QuerySet[Flag]:
    text = text.strip().replace("\0", "")
    if not text:
        return Flag.objects.all()
    return Flag.objects.filter(Q(name__icontains=text) | Q(note__icontains=text) | Q(owner__icontains=text))
