"""Names in paths: any text, also with slashes.

A slash may stand as it is. Where a name would then be taken for a longer address (a flag called `player/why`), encode
it twice, as %252F; that always works, and is how our own pages write names.
"""

from urllib.parse import quote, unquote

from django.urls import register_converter
from django.urls.converters import get_converters

from ops_client.text import is_storable


class NamedConverter:
    """`{named:name}` in a router's path."""

    regex = ".+"

    def to_python(self, value: str) -> str:
        name = unquote(value, errors="strict") if "%" in value else value
        if not is_storable(name):
            raise ValueError("no name holds NUL or a lone surrogate")
        return name

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


def register() -> None:
    """Make the converter known to Django, once."""
    if "named" not in get_converters():
        register_converter(NamedConverter, "named")


def path_of(path: str, *names: str) -> str:
    """The address below /api/v1 of things with these names: `path_of("/flags/{}/state", "a/b")`."""
    return "/api/v1" + path.format(*map(_written, names))


def _written(name: str) -> str:
    if name in (".", ".."):
        return name.replace(".", "%252E")  # clients take dots, encoded once or not, for a step in the path
    once = quote(name, safe="")
    return quote(once, safe="") if {"/", "%"} & set(name) else once
