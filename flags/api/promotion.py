"""Flags between environments over the API: written as a document, and stored from one, with a dry run."""

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Schema

from flags import promotion
from flags.api.routers import flags_router
from ops_console.api_base import Asked, Input, Truth, caller, needs
from ops_console.audit.services import record_export
from ops_console.web.export import streamed

READERS = {"own": promotion.own, "unleash": promotion.unleash, "waffle": promotion.waffle}


class ExportFilter(Asked):
    name: list[str] = Field([], description="With all that they depend on; without one, every flag in force.")


class FlagImportIn(Input):
    """document is what the export wrote, Unleash's client features, or a fixture of waffle's."""

    model_config = {
        "json_schema_extra": {
            "example": {"document": {"format": "ops-console-flags", "version": 1, "flags": []}, "dry_run": True}
        }
    }

    format: Literal["own", "unleash", "waffle"] = "own"
    document: Any
    dry_run: Truth = Field(description="true: only say what would come of each row.")
    with_state: Truth = Field(False, description="Also set the switches of flags that are here already.")
    reason: str = ""


class FlagImportRowOut(Schema):
    """One row: what differs, before and after, or why it was refused."""

    kind: str
    name: str
    outcome: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


class FlagImportProblemOut(Schema):
    """What of the document could not be read."""

    flag: str
    rule: str
    message: str


class FlagImportOut(Schema):
    dry_run: bool
    counts: dict[str, int]
    results: list[FlagImportRowOut]
    problems: list[FlagImportProblemOut]


@flags_router.get("/flag-export", auth=needs("flags:read"), response=dict[str, Any])
def flag_export(request: HttpRequest, wanted: Query[ExportFilter]) -> Any:
    """Flags and the segments they use, as a document for the import of another environment."""
    written = promotion.written(wanted.name)
    record_export(caller(request), "flags", request.GET.urlencode())
    return streamed(request, written, "application/json")


@flags_router.post("/flag-import", auth=needs("flags:write"), response=FlagImportOut)
def flag_import(request: HttpRequest, body: FlagImportIn) -> Any:
    """Store flags from a document, row by row; a row that cannot be is refused with a reason and stops no other."""
    read = READERS[body.format](body.document)
    with_state = body.with_state or body.format != "own"
    return promotion.run(caller(request), read, dry_run=body.dry_run, with_state=with_state, reason=body.reason)
