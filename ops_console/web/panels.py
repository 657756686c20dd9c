"""Panels of a page, each read by itself: one that cannot be read shows its last data, the others are not affected."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from ops_console.errors import ConsoleError
from ops_console.query_timeout import limited, shared_limit

logger = logging.getLogger(__name__)
# Limits of one statement of a panel, and of all panels of a page together.
PANEL_MS = 3_000
PAGE_SECONDS = 8.0


@dataclass(frozen=True)
class Reading:
    """`data` is current unless `problem` says why not; then it is what was read at `seen_at`, or None."""

    data: Any
    seen_at: datetime | None
    problem: str = ""


# The last successful reading of each panel in this process.
_last: dict[str, Reading] = {}


@contextmanager
def panel_reader() -> Iterator["PanelReader"]:
    """A reader for one page, which is rendered inside: its panels share one setting of their limit."""
    with shared_limit(PANEL_MS):
        yield PanelReader()


class PanelReader:
    """Reads the panels of one page within PAGE_SECONDS, and asks nothing more once the connection is lost."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = clock() + PAGE_SECONDS
        self._disconnected = False

    def panel(self, name: str, query: Callable[[], Any]) -> "Panel":
        """A panel that is read when it is first used. `name` keeps its last data; an empty one keeps none."""
        return Panel(lambda: self.read(name, query))

    def read(self, name: str, query: Callable[[], Any]) -> Reading:
        """The query's answer; on any error the last one known, with the reason."""
        if self._disconnected:
            return _known(name, "The database is unreachable.")
        if self._clock() >= self._ends_at:
            return _known(name, f"The page's other panels took {PAGE_SECONDS:g} s; this one was not read.")
        try:
            with limited(PANEL_MS, "The data"):
                reading = Reading(query(), timezone.now())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one panel, the page still shows the others
            return _known(name, self._problem(name, error))
        if name:
            _last[name] = reading
        return reading

    def _problem(self, name: str, error: Exception) -> str:
        if isinstance(error, ConsoleError):
            return error.message
        if not isinstance(error, DatabaseError | InterfaceError):
            logger.exception("The panel %s could not be read", name)
            return "An internal error; the console's log has the details."
        self._disconnected = not connection.in_atomic_block and not _is_usable()
        if self._disconnected:
            return "The database is unreachable."
        return next(iter(str(error).splitlines()), type(error).__name__)


class Panel:
    """One panel's reading, made on first use: a request for one fragment reads only what that fragment shows."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read

    @cached_property
    def reading(self) -> Reading:
        return self._read()

    @property
    def data(self) -> Any:
        return self.reading.data

    @property
    def seen_at(self) -> datetime | None:
        return self.reading.seen_at

    @property
    def problem(self) -> str:
        return self.reading.problem


def _known(name: str, problem: str) -> Reading:
    known = _last.get(name)
    return Reading(known.data, known.seen_at, problem) if known else Reading(None, None, problem)


def _is_usable() -> bool:
    return connection.connection is not None and connection.is_usable()
