"""Versions over HTTP: an answer's ETag is the row's version, and a change names the one it was made from."""

import re
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Header

from ops_console.errors import InvalidInput, VersionNeeded

_HEADER: Any = Header(alias="If-Match", description='The ETag of what you read, e.g. "7"; * for whatever stands now.')
# Its default is "": whoever leaves it out hears what to send, rather than that a parameter is missing.
IfMatch = Annotated[str, _HEADER]
# For an operation that does not always need it; its default is None.
MaybeIfMatch = Annotated[str | None, _HEADER]
# A proxy that compresses answers marks their ETag as weak (nginx) or appends what it did to it (Apache, Caddy).
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})(?:[-;:]{1,2}(?:gzip|br|zstd|deflate|df))?"')


def tagged(response: HttpResponse, version: int) -> None:
    """Give an answer its ETag."""
    response.headers["ETag"] = f'"{version}"'


def expected(if_match: str) -> int | None:
    """The version that a change was made from; None for `*`. Raises VersionNeeded without, InvalidInput otherwise."""
    given = if_match.strip()
    if not given:
        raise VersionNeeded("Say which version you change: send the ETag that you read as If-Match.")
    if given == "*":
        return None
    found = _ETAG.fullmatch(given)
    if found is None:
        raise InvalidInput("If-Match", 'If-Match is one ETag as it was read, e.g. "7" with its quotes, or *.')
    return int(found[1])
