"""Operations over the JSON API, to read: the same lists, groups and pages as a browser's."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from incidents.operations.filters import scope_of
from incidents.operations.groups import error_groups
from incidents.operations.listing import list_page
from incidents.operations.queries import detail
from incidents.operations.scope import Scope
from incidents.operations.shown import Shown, page_facts, shown
from incidents.operations.sources import source_of
from incidents.operations.timeline import timeline
from ops_console.api_base import Asked, Listed, Paging, needs
from ops_console.web.tabs import query_url

router = Router(tags=["Operations"])
State = Literal["stuck", "slow", "waiting", "in_progress", "failed", "resolved"]
_ZONED = "ISO 8601; UTC where no zone is said."


class GroupFilter(Asked):
    """What narrows a list, as in the address of the page."""

    q: str = Field("", max_length=200, description="An id, a part of a title, or somebody's mail.")
    kind: str = Field("", max_length=60)
    owner: str = Field("", max_length=200, description="A mail, a name or an id.")
    worker: str = Field("", max_length=200, description="Who holds it, or held it.")
    tier: str = Field("", max_length=60)
    attempt: int | None = Field(None, ge=1, le=10_000, description="At least so many attempts.")
    run: int | None = Field(None, ge=1, description="What this action, or this run of the sweep, meant.")
    since: datetime | None = Field(None, description=_ZONED)
    until: datetime | None = Field(None, description=_ZONED)


class OperationFilter(GroupFilter, Paging):
    """`sort` is `since` for the oldest first, `-since` for the newest; else as the state has it."""

    state: State = "stuck"
    age: Literal["", "900", "3600", "14400", "28800", "86400", "259200", "604800"] = Field(
        "", description="Silent for more than so many seconds."
    )
    evidence: Literal["", "dead", "suspected"] = ""
    group: str = Field("", max_length=32, description="An error group.")
    sort: Literal["", "since", "-since"] = ""


class OperationOut(Schema):
    """`since` is what stuck is counted from; `verdict` is a word, `evidence` what it rests on."""

    id: str
    kind: str
    owner: str | None
    title: str
    status: str | None
    verdict: str
    evidence: str
    since: datetime
    heartbeat_at: datetime | None
    last_command_at: datetime | None
    version: int
    attempts: int
    worker: str
    progress_rate: float | None
    progress_note: str
    error: str
    error_group: str


class EventOut(Schema):
    at: datetime
    status: str | None
    label: str
    who: str
    detail: str


class OperationPageOut(OperationOut):
    """`cannot_retry` and `cannot_fail` say why, naming the missing field; "" where it can be."""

    cannot_retry: str
    cannot_fail: str
    payload: dict[str, Any]
    resources: list[dict[str, Any]]
    timeline: list[EventOut]


class GroupOut(Schema):
    kind: str
    group: str
    error: str
    number: int
    capped: bool
    newest_at: datetime


@router.get("/operations", auth=needs("operations:read"), response=Listed[OperationOut])
def operation_list(request: HttpRequest, wanted: Query[OperationFilter]) -> Any:
    """Operations of every kind in one state, with the evidence."""
    found = list_page(_scope(request, wanted), wanted.cursor, wanted.limit)
    following = request.build_absolute_uri(query_url(request, cursor=found.next)) if found.next else None
    return {"items": [_out(line) for line in shown(found.rows)], "next": following}


@router.get("/operation-groups", auth=needs("operations:read"), response=list[GroupOut])
def operation_groups(request: HttpRequest, wanted: Query[GroupFilter]) -> Any:
    """What failed operations failed of, the largest groups first, counted among the newest of each source."""
    return error_groups(_scope(request, wanted))


@router.get("/operations/{kind}/{named:operation_id}", auth=needs("operations:read"), response=OperationPageOut)
def operation_page(request: HttpRequest, kind: str, operation_id: str) -> Any:
    """One operation: its timeline, its payload and resources, and what keeps it from being retried or failed."""
    found = detail(kind, operation_id)
    facts = page_facts(found)
    return {
        **_out(facts["shown"]),
        "cannot_retry": facts["retry_not"],
        "cannot_fail": facts["fail_not"],
        "payload": dict(facts["payload"]),
        "resources": facts["tracked"].resources if facts["tracked"] else [],
        "timeline": timeline(found),
    }


def _scope(request: HttpRequest, wanted: GroupFilter) -> Scope:
    """As the page's address means it; a kind that nobody has is no wish for all. Raises NotFound."""
    if wanted.kind:
        source_of(wanted.kind)
    return scope_of(request.GET)


def _out(line: Shown) -> dict[str, Any]:
    one = line.operation
    return {
        **vars(one),
        "id": one.operation_id,
        "owner": one.owner_id or None,
        "verdict": line.verdict,
        "evidence": line.evidence,
    }
