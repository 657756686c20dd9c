"""Taking secrets out of an error event before it leaves the process. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from ops_client.dsn import redact

REMOVED = "[removed]"
_NAMES = r"passw|\bpwd|secret|token|authori[sz]ation|cookie|api[-_]?key|csrf|session|credential|dsn|private[-_]?key|otp"
_SECRET = re.compile(rf"{_NAMES}|^code$", re.IGNORECASE)
_SCHEMES = r"(?:Bearer|Basic|Digest|Token|Negotiate)"
# In running text: `?token=...`, `password: ...`, `Authorization: Bearer ...`, also as JSON inside JSON. A cookie goes
# to the end of its line. All of these patterns begin at the start of a word and look at names of bounded length, which
# keeps them linear: a long text of base64 is one word.
_ASSIGNED = re.compile(
    rf"""(?<![\w-])(?=[\w-]{{1,200}}[\\"']*\s?[=:])(?P<name>[\w-]*?(?:(?P<cookie>cookie)|{_NAMES})[\w-]*"""
    rf"""[\\"']*\s?[=:]\s?[\\"']*)(?:{_SCHEMES}\s+)?(?:(?(cookie)[^\r\n"'\\]+|[^\s&"',;\\]+))""",
    re.IGNORECASE,
)
_BEARER = re.compile(rf"\b({_SCHEMES})\s+[\w+/=.~-]{{16,}}", re.IGNORECASE)
# Secrets by their form: our API tokens, JSON Web Tokens, and keys of GitHub, GitLab, Slack, Stripe, AWS and Google.
_FORMS = re.compile(
    r"(?<![\w-])(?:opsc_[0-9a-f]{12}_[\w-]{43}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|[sr]k_live_|whsec_|AKIA|AIza)[\w-]{12,})"
)
# Addresses of channels hold their token in the path: apprise's (`slack://A/B/C`), and web hooks.
_ADDRESS = re.compile(r"(?<![\w+.-])([a-z][a-z0-9+.-]{1,30})://([^\s\"'<>]+)", re.IGNORECASE)
_READABLE = re.compile(r"https?|wss?|postgres(ql)?|rediss?|unix|amqps?|file|s3|gs", re.IGNORECASE)
_HOOK_HOSTS = re.compile(
    r"(hooks\.slack\.com|(?:\w+\.)?discord(?:app)?\.com|[\w.-]*webhook\.office\.com|api\.telegram\.org"
    r"|chat\.googleapis\.com|hooks\.zapier\.com|events\.pagerduty\.com)(?=/)",
    re.IGNORECASE,
)
# A long run of letters and digits in a path is a key, unless it is an id as everybody may read them.
_SEGMENT = re.compile(r"(?<=/)[A-Za-z0-9_:=-]{20,}(?=[/?\s\"']|$)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
# Where the code stands is what an event is for; file names are no secrets.
_PLACES = frozenset({"filename", "abs_path", "module", "function", "event_id"})


def scrubbed(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event without cookies, authorisation headers, passwords, tokens and the keys in addresses."""
    return {str(key): _value(str(key), value) for key, value in event.items()}


def scrubbed_text(text: str) -> str:
    """Text without values that are named as secrets, tokens known by their form, user and password of addresses,
    addresses of channels, and key-like path segments. Takes time linear in its length."""
    text = _ADDRESS.sub(_address, _FORMS.sub(REMOVED, _USER_INFO.sub("", redact(text))))
    text = _BEARER.sub(rf"\1 {REMOVED}", _ASSIGNED.sub(rf"\g<name>{REMOVED}", text))
    return _SEGMENT.sub(_segment, text)


def _value(key: str, value: Any) -> Any:
    if _SECRET.search(key):
        return REMOVED
    if isinstance(value, Mapping):
        return scrubbed(value)
    if isinstance(value, list | tuple):
        return [_value("", inner) for inner in value]
    return scrubbed_text(value) if isinstance(value, str) and key not in _PLACES else value


def _address(match: re.Match[str]) -> str:
    scheme, rest = match.groups()
    if not _READABLE.fullmatch(scheme):
        return f"{scheme}://{REMOVED}"
    host = _HOOK_HOSTS.match(rest)
    return f"{scheme}://{host[0]}/{REMOVED}" if host else match[0]


def _segment(match: re.Match[str]) -> str:
    segment = match.group()
    harmless = _UUID.fullmatch(segment) or not any(map(str.isdigit, segment))
    return segment if harmless else REMOVED
