"""ninja's own errors in the console's family, and the problem document as the schema describes it."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

from ops_console.errors import InvalidInput, NotAllowed, NotFound
from ops_console.web.failures import failure


class ProblemOut(Schema):
    """Every failure (RFC 9457): `code` is for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    field: str | None = Field(None, description="What was wrong, as far as it is one thing.")
    current: dict[str, Any] | None = Field(None, description="Of a version that is not the latest: what stands now.")
    submitted: dict[str, Any] | None = Field(None, description="Of a version that is not the latest: what was sent.")


def answer(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The problem that an operation's error becomes; what is a fault of ours goes on to Django."""
    known = _known(error if isinstance(error, Exception) else error())
    told = failure(request, known)
    if told is None:
        raise known
    return told


def answer_all(api: NinjaAPI) -> None:
    """Take every failure of an API's operations."""
    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, answer)


def _known(error: Exception) -> Exception:
    if isinstance(error, ValidationError):
        return _invalid(error.errors[0])
    if isinstance(error, Http404):
        return NotFound("There is no such thing.")
    if isinstance(error, HttpError):
        return NotAllowed(error.message)
    return error


def _invalid(first: dict[str, Any]) -> InvalidInput:
    """The first thing that was wrong: `rules.0.percent`, without where in the call it stood."""
    where, *path = first["loc"]
    # A body that is one model: its parameter's name means nothing to who sent it.
    inside = path[1:] if where == "body" else path
    field = ".".join(map(str, inside)) or where
    # A sentence of our own comes behind pydantic's "Value error, ".
    told = first["ctx"]["error"] if first["type"] == "value_error" else first["msg"]
    return InvalidInput(field, f"{field}: {told}.")
