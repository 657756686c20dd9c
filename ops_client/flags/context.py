"""What a flag is asked about: a mapping of fields, in whatever types the caller has them."""

from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum

Context = Mapping[str, object]
Matcher = Callable[[Context], bool]

CURRENT_TIME = "current_time"
HOSTNAME = "hostname"


def text(value: object) -> str:
    """A context value in the spelling that rules are written in."""
    if isinstance(value, Enum):
        return text(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
