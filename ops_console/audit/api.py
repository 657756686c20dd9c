"""The audit over the JSON API: reading only."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from ops_console.api_base import Listed, Moment, Paging, listed, needs
from ops_console.audit import queries

router = Router(tags=["Audit"])


class EntryOut(Schema):
    """One change: who, what, why, before and after."""

    id: int
    at: datetime
    source: str = Field(description="service, or trigger for what was written around the console.")
    actor: str
    via: str
    credential: str = Field(description="The API token's name or the shell's user that stood for the person.")
    action: str
    target_type: str
    target_id: str
    target_label: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str | None
    request_id: str


class EntryFilter(Paging):
    """The page's filters."""

    q: str = Field("", max_length=200, description="Text in label, reason, actor or action; or a whole id.")
    actor: str = ""
    action: str = ""
    target_type: str = ""
    target_id: str = ""
    via: str = ""
    since: Moment | None = None
    until: Moment | None = None


@router.get("/audit", auth=needs("audit:read"), response=Listed[EntryOut])
def audit_list(request: HttpRequest, wanted: Query[EntryFilter]) -> Any:
    """Changes, the newest first."""
    return listed(request, queries.ORDER, queries.entries(wanted.model_dump()), wanted)


@router.get("/audit/{int:entry_id}", auth=needs("audit:read"), response=EntryOut)
def audit_entry(request: HttpRequest, entry_id: int) -> Any:
    """One change."""
    return queries.entry(entry_id)
