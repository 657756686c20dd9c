"""Which errors are the same error: its type, its message without what differs each time, and where it was raised."""

import hashlib
import re
import traceback
from dataclasses import dataclass
from pathlib import PurePath

from ops_client.errors import described
from ops_client.telemetry.scrub import scrubbed_text
from ops_client.text import replace_unstorable

LONGEST_MESSAGE = 2000
_LIBRARY = re.compile(r"[\\/](site-packages|dist-packages|lib[\\/]python3[^\\/]*)[\\/]")
# In this order: what is inside quotation marks may hold numbers.
_VARIES = (
    (re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "<address>"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "<text>"),
    (re.compile(r"(?<![\w/])(/[\w.@~-]+){2,}/?"), "<path>"),
    (re.compile(r"\b0x[0-9a-f]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\d+([.,:]\d+)*"), "<n>"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as it is kept: secrets are taken out of the message; `group` is equal for equal errors."""

    type: str
    message: str
    place: str
    group: str


def fault_of(error: BaseException) -> Fault:
    """What is kept of an error."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    message = replace_unstorable(scrubbed_text(described(error))[:LONGEST_MESSAGE])
    place = replace_unstorable(place_of(error))
    return Fault(kind, message, place, fingerprint(kind, message, place))


def fingerprint(kind: str, message: str, place: str) -> str:
    """Sixteen hexadecimal digits. The line's number is left out: it moves with every edit above it."""
    where = place.rpartition(":")[0] or place
    text = "\n".join([kind, normalised(message), where])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def normalised(message: str) -> str:
    """The message without ids, addresses, quoted texts, paths and numbers."""
    for pattern, placeholder in _VARIES:
        message = pattern.sub(placeholder, message)
    return " ".join(message.split())[:500]


def place_of(error: BaseException) -> str:
    """`file.py function:line` of the innermost frame that is not a library's; empty for one never raised."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _LIBRARY.search(frame.filename)]
    if not frames:
        return ""
    frame = (own or frames)[-1]
    path = PurePath(frame.filename)
    return f"{'/'.join(path.parts[-2:])} {frame.name}:{frame.lineno}"
