"""What a call sends, read once and strictly: text that PostgreSQL can keep, and nothing that nobody asked for."""

import json
import re
from typing import Annotated, Any, Self

from django.http import HttpRequest
from ninja import Schema
from ninja.parser import Parser
from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Strict, ValidationInfo, model_validator

from ops_client.text import is_storable
from ops_console.errors import ConsoleError, InvalidInput, NotJson

_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")
_MOST_LEVELS = 50
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _iso(value: Any) -> Any:
    """A number is no moment: 0 would be taken for 1970."""
    if value is not None and not (isinstance(value, str) and _MOMENT.match(value)):
        raise ValueError("is written as 2026-12-24T18:00:00Z")
    return value


# What a body says in another type than its own ("yes", 1, "5") is a mistake, and not ours to interpret.
Moment = Annotated[AwareDatetime, BeforeValidator(_iso)]
Truth = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]


class BadJson(ConsoleError):
    """The body cannot be read as JSON."""

    status = 400
    code = "bad_json"


class Input(Schema):
    """The base of every body: a misspelt field is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")


class Asked(Schema):
    """The base of every operation's query parameters, all in one model: one that nobody knows is refused too."""

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Self:
        fields = type(self).model_fields
        for name in info.context["request"].GET if info.context else ():
            if name not in fields:
                raise InvalidInput(name, f"There is no parameter {name}; this takes {', '.join(fields)}.")
        return self


class StrictParser(Parser):
    """ninja's parser, handing out what the door has read."""

    def parse_body(self, request: HttpRequest) -> Any:
        return request.api_body  # type: ignore[attr-defined]


def read(request: HttpRequest) -> None:
    """Read the query and the body. Raises InvalidInput, BadJson, NotJson."""
    for name, values in request.GET.lists():
        if not is_storable([name, *values]):
            raise InvalidInput(name.replace("\0", ""), "A parameter is text without NUL.")
    if request.method in _WITH_BODY and request.body:
        if request.content_type != "application/json":
            raise NotJson("Send JSON, with `Content-Type: application/json`.")
        request.api_body = _parsed(request.body)  # type: ignore[attr-defined]


def _parsed(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadJson(f"The body is not JSON: {error}.") from error
    if not is_storable(value, _MOST_LEVELS):
        raise BadJson("The body holds what cannot be kept: NUL, half a surrogate pair, NaN, or too many levels.")
    return value
