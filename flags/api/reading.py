"""Flags as they are: the list, one of them, and the names that nobody has defined."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from flags import queries, usage
from flags.api.routers import flags_router
from flags.api.shapes import FlagOut
from ops_console.api_base import Asked, Listed, Paging, listed, needs, tagged
from ops_console.web import Key, Keyset

_ORDER = Keyset(Key("name"), Key("id", "int"))


class FlagFilter(Paging):
    """The page's filters."""

    q: str = Field("", max_length=200, description="Text in name, note or owner.")
    state: Literal["", "on", "rules", "off", "scheduled", "stale", "archived"] = Field(
        "", description="Without one, all that are not archived."
    )
    kind: str = Field("", max_length=20)
    tag: str = Field("", max_length=40)
    owner: str = Field("", max_length=150)


class UndefinedFilter(Asked):
    days: int = Field(7, ge=1, le=90, description="How far back to look.")


class UndefinedFlagOut(Schema):
    """A name that code asks for and nobody has defined: it is answered with the code's default."""

    name: str
    count: int
    last_at: datetime
    services: list[str]


@flags_router.get("/flags", auth=needs("flags:read"), response=Listed[FlagOut])
def flag_list(request: HttpRequest, wanted: Query[FlagFilter]) -> Any:
    """Flags by name."""
    found = queries.flags(wanted.q, wanted.state, wanted.kind, wanted.tag, wanted.owner)
    return listed(request, _ORDER, found, wanted)


@flags_router.get("/undefined-flags", auth=needs("flags:read"), response=list[UndefinedFlagOut])
def undefined_flags(request: HttpRequest, wanted: Query[UndefinedFilter]) -> Any:
    """Names that code asks for and nobody has defined, the last asked first."""
    return usage.undefined(wanted.days)


@flags_router.get("/flags/{named:name}", auth=needs("flags:read"), response=FlagOut)
def flag_show(request: HttpRequest, response: HttpResponse, name: str) -> Any:
    """One flag; its ETag is its version."""
    flag = queries.flag_named(name)
    tagged(response, flag.version)
    return flag
