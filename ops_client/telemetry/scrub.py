"""Taking secrets out of an error event before it leaves the process. Pure."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

REMOVED = "[removed]"
_SECRET = re.compile(
    r"passw|secret|token|authori[sz]ation|cookie|api[-_]?key|csrf|session|credential|dsn|private[-_]?key|otp|^code$",
    re.IGNORECASE,
)
# A long run of letters and digits in an address is a key, unless it is an id as everybody may read them.
_LONG_SEGMENT = re.compile(r"[A-Za-z0-9_:=.\-]{20,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")


def scrubbed(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event without cookies, authorisation headers, passwords, tokens and the keys in addresses."""
    clean = {str(key): _value(str(key), value) for key, value in event.items()}
    request = clean.get("request")
    if isinstance(request, dict):
        if isinstance(request.get("url"), str):
            request["url"] = scrubbed_url(request["url"])
        if isinstance(request.get("query_string"), str):
            request["query_string"] = _query(request["query_string"])
    return clean


def scrubbed_url(url: str) -> str:
    """An address with secret parameters, user and password, and key-like path segments taken out."""
    parts = urlsplit(_USER_INFO.sub("", url))
    path = "/".join(REMOVED if _is_key(segment) else segment for segment in parts.path.split("/"))
    return urlunsplit((parts.scheme, parts.netloc, path, _query(parts.query), ""))


def _value(key: str, value: Any) -> Any:
    if _SECRET.search(key):
        return REMOVED
    if isinstance(value, Mapping):
        return {str(name): _value(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value("", inner) for inner in value]
    return _USER_INFO.sub("", value) if isinstance(value, str) else value


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, REMOVED if _SECRET.search(name) else value) for name, value in pairs])


def _is_key(segment: str) -> bool:
    return bool(_LONG_SEGMENT.fullmatch(segment)) and not _UUID.fullmatch(segment) and any(map(str.isdigit, segment))
