"""Flags over the JSON API: a thin door onto the same services and queries as the pages."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from flags import queries
from flags.models import Flag, State
from ops_console.api_base import Listed, Paging, listed, needs
from ops_console.web import Key, Keyset

router = Router(tags=["Flags"])
_ORDER = Keyset(Key("name"), Key("id", "int"))


class FlagOut(Schema):
    """A flag as operators keep it."""

    name: str
    state: State
    percent: Decimal | None
    rules: list[dict[str, Any]]
    owner: str
    note: str
    archived_at: datetime | None
    modified: datetime
    version: int


class FlagFilter(Paging):
    """The page's filters."""

    q: str = Field("", max_length=200, description="Text in name, note or owner.")
    state: Literal["", "on", "rules", "off", "archived"] = ""


@router.get("/flags", auth=needs("flags:read"), response=Listed[FlagOut])
def flag_list(request: HttpRequest, wanted: Query[FlagFilter]) -> Any:
    """Flags by name; archived ones only where asked for."""
    return listed(request, _ORDER, queries.flags(wanted.q, wanted.state), wanted, _shape)


def _shape(flag: Flag) -> Flag:
    return flag
