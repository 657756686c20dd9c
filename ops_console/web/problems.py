"""The failures that can be told in advance: a status, a title and a sentence that says what to do."""

from dataclasses import dataclass

from django.db import Error as DatabaseError

from ops_console.errors import ConsoleError


@dataclass(frozen=True)
class Problem:
    """`retry_after_seconds` is sent as Retry-After, and is what the page itself waits for. `field` is what is wrong."""

    status: int
    code: str
    title: str
    message: str
    retry_after_seconds: int = 0
    field: str = ""


_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Page not found",
    409: "Changed by somebody else",
    422: "Not possible",
    429: "Too many requests",
}
BAD_REQUEST = Problem(
    400,
    "bad_request",
    _TITLES[400],
    "Something in the address or the form is malformed. Go back and try again.",
)
TOO_LARGE = Problem(413, "too_large", "Too large", "What was sent is larger than the console takes. Send less at once.")
TOO_MANY = Problem(429, "too_many", "Too many attempts", "Wait a minute, then try again.", 60)
FAULT = Problem(
    500,
    "fault",
    "Internal error",
    "The console failed and has logged the error. Try again; if it happens again, report the request id.",
)
NOT_ALLOWED = Problem(405, "method_not_allowed", "Method not allowed", "This address does not accept this method.")
NO_TOKEN = Problem(
    403,
    "csrf",
    "This form has expired",
    "The page was open too long, or you have signed in again since. Nothing was changed. Go back, reload the page "
    "and submit again.",
)
AWAY = "database_away"
_AWAY = "The console cannot reach its database. Backends continue with their last known configuration."
_SLOW = "The database did not answer in time, and the statement was cancelled. Nothing was changed."
_BUSY = "Somebody else is changing the same rows at this moment. Nothing was changed."
_NOT_SENT = " Your change may or may not have been saved: check before you send it again."
_NOTHING_DONE = {"57014": _SLOW, "55P03": _BUSY, "40P01": _BUSY, "40001": _BUSY}


def title_of(status: int) -> str:
    """The heading of a status's page."""
    return _TITLES.get(status, "This did not work")


def of_error(error: ConsoleError) -> Problem:
    """What a service refused, in its own sentence."""
    title = title_of(error.status)
    return Problem(error.status, error.code, title, error.message, error.retry_after_seconds, error.field)


def forbidden(said: str) -> Problem:
    """403, with what the refusing code said."""
    return Problem(403, "not_allowed", _TITLES[403], said or "Your role does not allow this. Ask an admin.")


def not_found(said: str) -> Problem:
    """404, with what the view said."""
    return Problem(404, "not_found", _TITLES[404], said or "This page does not exist, or what it showed was removed.")


def of_database(error: DatabaseError, method: str) -> Problem:
    """503 for a database that is away, slow or busy, told apart by its SQLSTATE."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state in _NOTHING_DONE:
        return Problem(503, "database_busy", "The database is busy", _NOTHING_DONE[state], 2)
    message = _AWAY if method in ("GET", "HEAD") else _AWAY + _NOT_SENT
    return Problem(503, AWAY, "Database unreachable", message, 5)
