"""An index that the backend's table of users lacks is named by `check --database default` and by migrate."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Info
from django.db import DatabaseError

from ops_console.directory.indexes import missing_indexes
from ops_console.directory.schema import forget
from ops_console.errors import ConsoleError


def check_directory(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Missing indexes as information: searches work without, but find less or take longer."""
    if not databases or "default" not in databases:
        return []
    forget()
    try:
        missing = missing_indexes()
    except (DatabaseError, ConsoleError):
        return []  # without a database, that is said elsewhere
    return [
        Info(f"The index {name} is missing: searches for users read the whole table.", hint=text, id="directory.I001")
        for name, text in missing.items()
    ]
