"""The list of flags as its page and its CSV show it: orders, and what stands in a row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from flags import queries, schedule, staleness, usage
from flags.models import Flag
from ops_console.compiled import statement_of
from ops_console.web import Key, Keyset, Page

_SORTED_BY = (("name", "text"), ("modified", "time"), ("owner", "text"), ("kind", "text"))
ORDERS = {
    f"{sign}{name}": Keyset(Key(name, kind, descending=bool(sign)), Key("id", "int"))
    for sign in ("", "-")
    for name, kind in _SORTED_BY
}
DEFAULT_ORDER = "name"
_FILTERS = ("kind", "tag", "owner")


@dataclass(frozen=True)
class Row:
    """A flag with its use in the last days; `reasons` say why it is stale, `turn` what its schedule does next."""

    flag: Flag
    spark: list[int]
    last_asked: datetime | None
    reasons: list[str]
    turn: schedule.Turn | None

    @property
    def asked(self) -> int:
        return sum(self.spark)


def filters(wanted: Mapping[str, Any]) -> dict[str, str]:
    """A cleaned FilterForm as the queries take it."""
    return {"text": wanted.get("q", ""), **{name: wanted.get(name, "") for name in _FILTERS}}


def page(sort: str, cursor: str, **chosen: str) -> Page[Flag]:
    """One page of `queries.flags`. Raises InvalidInput."""
    order = sort if sort in ORDERS else DEFAULT_ORDER
    start = _start_of_page(order, cursor, *(chosen[name] for name in ("text", "state", *_FILTERS)))
    return ORDERS[order].cut(list(Flag.objects.raw(*start)), cursor)


@statement_of
def _start_of_page(order: str, cursor: str, *chosen: str) -> QuerySet[Flag]:
    return ORDERS[order].start(queries.flags(*chosen), cursor)


def rows(flags: Iterable[Flag]) -> list[Row]:
    """The flags of a page with their use, in two queries."""
    found = list(flags)
    names = [flag.name for flag in found]
    sparks, asked = usage.sparks(names), usage.last_asked(names)
    return [Row(flag, sparks[flag.name], asked.get(flag.name), staleness.reasons(flag), _turn(flag)) for flag in found]


def _turn(flag: Flag) -> schedule.Turn | None:
    """A flag that is settled for everyone, or archived, does not turn."""
    return None if flag.archived_at or flag.everyone is not None else schedule.next_turn(flag)
