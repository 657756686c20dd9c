"""Text that PostgreSQL can store. Two policies: identities are required to be storable, descriptions are made so.

PostgreSQL takes neither NUL nor lone surrogates (half of a UTF-16 pair: `surrogateescape` and any JSON produce them),
and its JSON takes no NaN and no infinity.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ops_client.errors import InvalidInput

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Deeper JSON is refused by PostgreSQL's stack and by Python's.
INVISIBLE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200b\\u2028-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ufeff]")
MOST_LEVELS = 100
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class _Replaced:
    """How many texts and numbers this process has replaced; for `status()`, so a lost update does no harm."""

    total = 0


replaced = _Replaced()


def is_storable(value: object, levels: int = MOST_LEVELS) -> bool:
    """Whether text, or everything inside lists and mappings, can be stored."""
    if isinstance(value, str):
        return not _UNSTORABLE.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return levels > 0 and all(is_storable(k, levels) and is_storable(v, levels - 1) for k, v in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return levels > 0 and all(is_storable(item, levels - 1) for item in value)
    return True


def require_storable(field: str, value: object) -> None:
    """For what identifies something: two names must never become one. Raises InvalidInput naming the field."""
    if not is_storable(value):
        raise InvalidInput(field, "holds what PostgreSQL cannot store: NUL, half a surrogate pair, NaN or infinity")


def name_problem(name: str) -> str:
    """Why people could take this name for another one, as the rest of a sentence; "" where they cannot.

    A name has no control, zero-width or bidirectional characters, no blanks but plain spaces, and is composed
    (Unicode's NFC): otherwise two names look alike, or one looks different in a terminal.
    """
    for position, character in enumerate(name, 1):
        category = unicodedata.category(character)
        if category[0] == "C" or (category[0] == "Z" and character != " "):
            known = unicodedata.name(character, "control character").lower()
            return f"holds U+{ord(character):04X} ({known}) at position {position}, which cannot be seen"
    if not unicodedata.is_normalized("NFC", name):
        return f"is not in Unicode's composed form: write {unicodedata.normalize('NFC', name)!a}"
    return ""


def show_invisible(text: str) -> str:
    """Text for people, with a visible form of each character that would act on its reader: `<U+202E>`.

    These are control characters but line break and tab, bidirectional overrides and isolates, separators of lines and
    paragraphs, and blanks without width. What scripts and emoji need (marks, joiners) stays.
    """
    return INVISIBLE.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def replace_unstorable(value: Any, levels: int = MOST_LEVELS) -> Any:
    """For what describes something: text with a replacement character for each that cannot be stored.

    In lists and mappings too, where NaN, infinity and what is nested too deeply become None.
    """
    if isinstance(value, str):
        stored, count = _UNSTORABLE.subn(REPLACEMENT, value)
        replaced.total += bool(count)
        return stored
    if isinstance(value, float):
        replaced.total += not math.isfinite(value)
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        if levels <= 0:
            return None
        return {_key(key): replace_unstorable(inner, levels - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [replace_unstorable(inner, levels - 1) for inner in value] if levels > 0 else None
    return value


def _key(key: object) -> object:
    return replace_unstorable(key) if isinstance(key, str) else key
