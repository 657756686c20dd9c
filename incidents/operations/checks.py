"""What a source cannot do on this database is said by `check --database default`, by migrate and by `sources check`."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Info, Warning
from django.db import OperationalError

from incidents.operations.sources import SOURCES, Source
from incidents.operations.sources.indexes import missing_indexes
from incidents.operations.sources.schema import forget
from ops_console.foreign import ForeignUnavailable


def check_sources(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Problems as warnings: the console works without; missing indexes as information."""
    if not databases or "default" not in databases:
        return []
    forget()
    try:
        return [message for source in SOURCES.values() for message in _messages(source)]
    except (OperationalError, ForeignUnavailable):
        return []  # without a database, or without its second role, that is said elsewhere


def _messages(source: Source) -> list[CheckMessage]:
    live = source.live()
    found: list[CheckMessage] = [
        Warning(problem.message, hint=_hint(problem.hint, problem.stops), obj=source.kind, id="operations.W001")
        for problem in source.problems(live)
    ]
    if not source.why_not("list", live):
        found += [
            Info(
                f"The index {name} is missing: lists or searches read the whole table.",
                hint=text,
                obj=source.kind,
                id="operations.I001",
            )
            for name, text in missing_indexes(source, live).items()
        ]
    return found


def _hint(hint: str, stops: frozenset[str]) -> str:
    return f"{hint} Until then: no {', no '.join(sorted(stops))}." if stops else hint
