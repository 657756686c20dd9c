"""JSON that is kept as text: usually an object, sometimes nothing, sometimes not JSON at all."""

import json
import re
from typing import Any


class NotAnObject(Exception):
    """The text holds no JSON object; the message says what it holds instead."""


def read_object(text: str | None) -> dict[str, Any]:
    """The object in the text; an empty one for NULL. Raises NotAnObject."""
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAnObject("not JSON") from None
    if not isinstance(value, dict):
        raise NotAnObject("JSON, but not an object")
    return value


def pretty(text: str | None) -> tuple[str, bool]:
    """The text for a person, and whether it is JSON. A lone surrogate stays an escape: no page could encode it."""
    if text is None:
        return "", False
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        return shown.encode("utf-8", "backslashreplace").decode(), True
    except (ValueError, RecursionError):
        return text, False


def action_named_in(text: str | None) -> list[int]:
    """The action that failed a row, as its own text says: of a very large bulk nothing else does."""
    found = _ACTION.search(text or "")
    return [int(found[1])] if found else []


_ACTION = re.compile(r'"error_action":\s*(\d{1,18})\b')
