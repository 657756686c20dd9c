"""An outage of the database is logged when it begins and when it is over, not with each request that meets it."""

import threading
import time
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Outage:
    """Whether requests of this process reach the database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None

    def begins(self, error: BaseException) -> None:
        """A request could not reach the database."""
        with self._lock:
            if self._since is not None:
                return
            self._since = time.monotonic()
        log.error("database_unreachable", error=str(error))

    def is_over(self, **_: Any) -> None:
        """The database answered; a receiver of Django's signal."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            log.warning("database_reachable_again", seconds=round(time.monotonic() - since, 1))


outage = Outage()
