"""With migrations missing the console serves nothing, says so, and looks again by itself."""

import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from ops_console.contract.apply import unapplied_migrations
from ops_console.web.failures import respond, without_database
from ops_console.web.problems import Problem

LOOK_AGAIN_SECONDS = 2.0
_TITLE = "The database is not migrated"
_MESSAGE = (
    "{count} migrations of this version are not applied to the database. Run `manage.py migrate` as the role that owns "
    "the tables; this page comes back by itself. Backends are not concerned."
)
_UNREADABLE = (
    "The console's database role may not read its own tables. Run `manage.py grant_console ROLE` as the role that "
    "owns them; this page comes back by itself."
)


class Watch:
    """Looks until the answer is yes; a migration that was applied stays applied for as long as this process runs."""

    def __init__(self) -> None:
        self._migrated = False
        self._problem: Problem | None = None
        self.look_at = 0.0

    def problem(self) -> Problem | None:
        """What keeps the console from serving. Raises OperationalError or InterfaceError with the database away."""
        if not self._migrated and time.monotonic() >= self.look_at:
            self._problem = problem()
            self._migrated = self._problem is None
            self.look_at = time.monotonic() + LOOK_AGAIN_SECONDS
        return self._problem


_WATCH = Watch()


class MigratedMiddleware:
    """Before everything that asks the database: sessions, people, pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse], watch: Watch = _WATCH) -> None:
        self.get_response = get_response
        self._watch = watch

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            found = self._watch.problem()
        except (OperationalError, InterfaceError) as error:
            return without_database(request, error)
        return respond(request, found) if found else self.get_response(request)


def problem() -> Problem | None:
    """What keeps the console from serving; None when the database is as the code expects it."""
    try:
        waiting = unapplied_migrations()
    except (OperationalError, InterfaceError):
        raise
    except DatabaseError:
        return _problem(_UNREADABLE, 0)
    return _problem(_MESSAGE, len(waiting)) if waiting else None


def _problem(message: str, count: int) -> Problem:
    return Problem(503, "unapplied_migrations", _TITLE, message.format(count=count), 5)
