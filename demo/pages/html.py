"""HTML in which every value is escaped."""

from html import escape
from string import Template


class Html(str):
    """Text that is HTML already, and goes in as it is."""


def fill(template: str, **values: object) -> Html:
    """`template` with its $names replaced, each value escaped unless it is Html."""
    return Html(Template(template).substitute({name: _safe(value) for name, value in values.items()}))


def join(parts: list[Html]) -> Html:
    return Html("".join(parts))


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
