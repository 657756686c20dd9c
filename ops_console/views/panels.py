"""A panel whose data cannot be had keeps what was last seen, and the rest of the page stands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from ops_console.errors import ConsoleError


@dataclass(frozen=True)
class Panel:
    """`data` is fresh unless `problem` says why not; then it is what was read at `seen_at`, or None."""

    data: Any
    seen_at: datetime | None
    problem: str = ""


# What this process read last, a panel; a page after an outage has something honest to show.
_last: dict[str, Panel] = {}


def read(name: str, query: Callable[[], Any]) -> Panel:
    """Ask; on an error that is not the whole database's absence, answer what was seen last, with its time."""
    try:
        with transaction.atomic():
            panel = Panel(query(), timezone.now())
    except (OperationalError, InterfaceError):
        raise  # the whole page answers that, with 503
    except (ConsoleError, DatabaseError) as error:
        known = _last.get(name, Panel(None, None))
        return Panel(known.data, known.seen_at, str(error).splitlines()[0])
    _last[name] = panel
    return panel
