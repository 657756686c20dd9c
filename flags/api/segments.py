"""Segments over the JSON API."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from flags import segment_services as services
from flags.api.routers import segments_router
from flags.api.shapes import SegmentEdit, SegmentNew, SegmentOut, sent
from flags.models import Segment
from flags.segments import flags_using, segment, segments, used_by
from ops_console.api_base import IfMatch, Listed, Paging, caller, expected, listed, needs, path_of, tagged
from ops_console.errors import NotFound
from ops_console.web import Key, Keyset

read, write = needs("flags:read"), needs("flags:write")
_ORDER = Keyset(Key("name"), Key("id", "int"))


class SegmentFilter(Paging):
    q: str = Field("", max_length=200, description="Text in name or note.")


class SegmentFlagOut(Schema):
    """A flag with a rule that names the segment."""

    name: str
    archived: bool


@segments_router.get("/segments", auth=read, response=Listed[SegmentOut])
def segment_list(request: HttpRequest, wanted: Query[SegmentFilter]) -> Any:
    """Segments by name, with how many flags use each."""
    answer = listed(request, _ORDER, segments(wanted.q), wanted)
    return {**answer, "items": list(_shaped(answer["items"]))}


@segments_router.post("/segments", auth=write, response={201: SegmentOut})
def segment_create(request: HttpRequest, response: HttpResponse, body: SegmentNew) -> Any:
    """Define a segment."""
    made = services.create_segment(caller(request), body.name, sent(body, "name"), body.reason)
    response.headers["Location"] = path_of("/segments/{}", made.name)
    return _answer(response, made)


@segments_router.get("/segments/{named:name}/flags", auth=read, response=list[SegmentFlagOut])
def segment_flags(request: HttpRequest, name: str) -> Any:
    """The flags that a change of it touches, archived ones included."""
    rows = flags_using(_named(name).name, archived=True).values_list("name", "archived_at")
    return [{"name": flag, "archived": archived_at is not None} for flag, archived_at in rows]


@segments_router.get("/segments/{named:name}", auth=read, response=SegmentOut)
def segment_show(request: HttpRequest, response: HttpResponse, name: str) -> Any:
    """One segment; its ETag is its version."""
    return _answer(response, _named(name))


@segments_router.patch("/segments/{named:name}", auth=write, response=SegmentOut)
def segment_edit(
    request: HttpRequest, response: HttpResponse, name: str, body: SegmentEdit, if_match: IfMatch = ""
) -> Any:
    """Change whom it means, in every flag that uses it."""
    version = expected(if_match)
    found = _named(name)
    version = found.version if version is None else version
    edited = services.edit_segment(caller(request), found.pk, sent(body), version, body.reason, body.typed_name)
    return _answer(response, edited)


@segments_router.delete("/segments/{named:name}", auth=write, response={204: None})
def segment_delete(request: HttpRequest, name: str, if_match: IfMatch = "") -> None:
    """Remove a segment that no flag uses any more."""
    version = expected(if_match)
    services.delete_segment(caller(request), _named(name).pk, version)


def _named(name: str) -> Segment:
    found = Segment.objects.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound(f"There is no segment named {name!r}.")
    return segment(found)


def _answer(response: HttpResponse, found: Segment) -> dict[str, Any]:
    tagged(response, found.version)
    (shape,) = _shaped([found])
    return shape


def _shaped(rows: list[Segment]) -> Iterable[dict[str, Any]]:
    uses = used_by(row.name for row in rows)
    for row in rows:
        yield {
            "name": row.name,
            "note": row.note,
            "constraints": row.constraints,
            "version": row.version,
            "flags": uses[row.name],
        }
