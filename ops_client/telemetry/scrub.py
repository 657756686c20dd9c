"""Taking secrets out of an error event before it leaves the process. Pure."""

import re
from collections.abc import Mapping
from typing import Any

REMOVED = "[removed]"
_NAMES = r"passw|secret|token|authori[sz]ation|cookie|api[-_]?key|csrf|session|credential|dsn|private[-_]?key|otp"
_SECRET = re.compile(rf"{_NAMES}|^code$", re.IGNORECASE)
# In running text: `?token=...`, `password: ...`.
_ASSIGNED = re.compile(rf"""(?P<name>[\w-]*(?:{_NAMES})[\w-]*["']?\s?[=:]\s?["']?)[^\s&"',;]+""", re.IGNORECASE)
# A long run of letters and digits in a path is a key, unless it is an id as everybody may read them.
_SEGMENT = re.compile(r"(?<=/)[A-Za-z0-9_:=-]{20,}(?=[/?\s\"']|$)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
# Where the code stands is what an event is for; nobody's secret is the name of a file.
_PLACES = frozenset({"filename", "abs_path", "module", "function", "event_id"})


def scrubbed(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event without cookies, authorisation headers, passwords, tokens and the keys in addresses."""
    return {str(key): _value(str(key), value) for key, value in event.items()}


def scrubbed_text(text: str) -> str:
    """Text without values that are named as secrets, user and password of addresses, and key-like path segments."""
    without_user = _USER_INFO.sub("", text)
    return _SEGMENT.sub(_segment, _ASSIGNED.sub(rf"\g<name>{REMOVED}", without_user))


def _value(key: str, value: Any) -> Any:
    if _SECRET.search(key):
        return REMOVED
    if isinstance(value, Mapping):
        return scrubbed(value)
    if isinstance(value, list | tuple):
        return [_value("", inner) for inner in value]
    return scrubbed_text(value) if isinstance(value, str) and key not in _PLACES else value


def _segment(match: re.Match[str]) -> str:
    segment = match.group()
    harmless = _UUID.fullmatch(segment) or not any(map(str.isdigit, segment))
    return segment if harmless else REMOVED
