"""Processes over the JSON API: read them, and remove those that will not come back."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from ops_console.api_base import Input, Listed, Paging, caller, listed, needs
from ops_console.audit.services import LONGEST_REASON
from ops_console.contract import queries, services

router = Router(tags=["Processes"])


class ProcessOut(Schema):
    """One process of a backend or of the console, as it last reported itself."""

    id: UUID
    service: str
    kind: str = Field(description="backend; or web, worker or beat of the console.")
    host: str
    pid: int
    version: str
    state: str = Field(description="live, ended, crashed or silent.")
    replaced: bool = Field(description="A later start of its service took its place.")
    revision: int | None
    behind: bool
    started_at: datetime
    seen_at: datetime


class ProcessFilter(Paging):
    """The page's filters."""

    state: Literal["", "lost", "behind", "problems", "live", "ended"] = Field(
        "", description="lost: crashed or silent, and not replaced."
    )
    service: str = Field("", max_length=100)


class RemoveIn(Input):
    reason: str = Field("", max_length=LONGEST_REASON)


class RemoveLostIn(RemoveIn):
    """Which service's processes."""

    service: str = Field(max_length=100)
    kind: str = Field("backend", max_length=20)


class RemovedOut(Schema):
    removed: int


@router.get("/processes", auth=needs("system:read"), response=Listed[ProcessOut])
def process_list(request: HttpRequest, wanted: Query[ProcessFilter]) -> Any:
    """Live processes, what ended or was replaced within the last hour, and what is lost; lost ones first."""
    return listed(request, queries.PROCESSES, queries.processes(wanted.state, wanted.service), wanted)


@router.delete("/processes/{uuid:process_id}", auth=needs("system:write"), response=ProcessOut)
def process_delete(request: HttpRequest, process_id: UUID, given: RemoveIn | None = None) -> Any:
    """Remove a process that is not live; one that reports again appears again. A body is only needed for a reason."""
    return services.remove_process(caller(request), process_id, given.reason if given else "")


@router.post("/processes/remove-lost", auth=needs("system:write"), response=RemovedOut)
def process_remove_lost(request: HttpRequest, given: RemoveLostIn) -> Any:
    """Remove all lost processes of a service."""
    return {"removed": services.remove_lost(caller(request), given.service, given.kind, given.reason)}
