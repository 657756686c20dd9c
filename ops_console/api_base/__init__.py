"""What every router of the JSON API shares: the door with its tokens, scopes, problems, versions and paging."""

from ops_console.api_base.door import caller
from ops_console.api_base.names import path_of, register
from ops_console.api_base.paging import Listed, Paging, listed
from ops_console.api_base.reading import Asked, Input, Moment, Number, Truth, Whole
from ops_console.api_base.scopes import needs
from ops_console.api_base.versions import IfMatch, MaybeIfMatch, expected, tagged

# Before any router names a path with `{named:...}`.
register()

__all__ = [
    "Asked",
    "IfMatch",
    "Input",
    "Listed",
    "MaybeIfMatch",
    "Moment",
    "Number",
    "Paging",
    "Truth",
    "Whole",
    "caller",
    "expected",
    "listed",
    "needs",
    "path_of",
    "tagged",
]
