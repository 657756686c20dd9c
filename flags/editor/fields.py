"""Which input suits which operator, and the words that people read for both. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

from ops_client.errors import InvalidInput as Unreadable
from ops_client.flags.operators import instant, number
from ops_console.web.moments import zone_named


@dataclass(frozen=True)
class Operator:
    """`kind` picks the input: chips, lines, number, moment, version. `is_text` operators can ignore case."""

    name: str
    label: str
    kind: str
    example: str = ""
    is_text: bool = False


_COMPARED = (
    ("EQ", "is"),
    ("GT", "is more than"),
    ("GTE", "is at least"),
    ("LT", "is less than"),
    ("LTE", "is at most"),
)
_VERSIONS = (("EQ", "is"), ("GT", "is after"), ("GTE", "is at least"), ("LT", "is before"), ("LTE", "is at most"))

GROUPS: tuple[tuple[str, tuple[Operator, ...]], ...] = (
    (
        "Text",
        (
            Operator("IN", "is one of", "chips", "pro", True),
            Operator("NOT_IN", "is none of", "chips", "free", True),
            Operator("STR_STARTS_WITH", "starts with", "chips", "beta-", True),
            Operator("STR_ENDS_WITH", "ends with", "chips", "@example.com", True),
            Operator("STR_CONTAINS", "contains", "chips", "test", True),
            Operator("REGEX", "matches the pattern", "lines", "^user-[0-9]+$", True),
        ),
    ),
    ("Number", tuple(Operator(f"NUM_{name}", f"number {words}", "number", "10") for name, words in _COMPARED)),
    (
        "Time",
        (Operator("DATE_AFTER", "time is after", "moment"), Operator("DATE_BEFORE", "time is before", "moment")),
    ),
    ("Version", tuple(Operator(f"SEMVER_{name}", f"version {words}", "version", "2.1.0") for name, words in _VERSIONS)),
    ("Network", (Operator("CIDR", "address is within", "chips", "10.0.0.0/8"),)),
)
SINGLE = ("number", "moment", "version")  # inputs that take one value
USER_ID = "user_id"
OPERATORS = {operator.name: operator for _, group in GROUPS for operator in group}
FIELDS = (
    "user_id",
    "session_id",
    "tier",
    "environment",
    "app_name",
    "hostname",
    "remote_address",
    "current_time",
    "language",
    "groups",
)
STICKINESS = (
    ("user_id", "user_id: each user stays on their side"),
    ("session_id", "session_id: each session stays on its side"),
    ("default", "user_id, else session_id, else at random"),
    ("random", "random: drawn anew at each check"),
)
PAYLOADS = (("", "no payload"), ("string", "text"), ("json", "JSON"), ("number", "number"), ("csv", "list (CSV)"))


def operator_of(name: str) -> Operator:
    """The operator; one that this console does not know is shown as a list of lines under its own name."""
    return OPERATORS.get(name) or Operator(name, name, "lines", is_text=True)


def for_input(kind: str, values: list[str], zone: str) -> str:
    """The one stored value as the text of its input, in the browser's own spelling: a number, a time in that zone.

    Raises Unreadable for what the input cannot hold: a browser would show it empty.
    """
    if len(values) != 1:
        raise Unreadable("values", "is one value")
    text = values[0].strip()
    if kind == "number":
        found = number(text)
        if found is None or not isfinite(float(found)):
            raise Unreadable("values", "is a number")
        return str(found)
    if kind == "moment":
        return _browser_time(text, zone)
    return " ".join(text.splitlines())


def _browser_time(text: str, zone: str) -> str:
    at = instant(text)
    if at is None:
        raise Unreadable("values", "is a time")
    try:
        return at.astimezone(zone_named(zone)).replace(tzinfo=None, microsecond=0).isoformat()
    except OverflowError as error:
        raise Unreadable("values", "is a time of the years 1 to 9999") from error


def from_input(kind: str, text: str, zone: str) -> str:
    """What an input gave as it is stored, in UTC: a time without a zone of its own is one of `zone`."""
    if kind != "moment":
        return text
    try:
        typed = datetime.fromisoformat(text)
        at = instant(text) if typed.tzinfo else typed.replace(tzinfo=zone_named(zone))
    except ValueError:
        at = instant(text)
    try:
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else text
    except OverflowError:
        return text
