"""Which errors and which answers say that a provider is failing. The defaults; a breaker takes others."""

from collections.abc import Callable
from typing import Any

from ops_client.errors import BreakerOpen

IsFailure = Callable[[BaseException], bool]
IsFailedAnswer = Callable[[Any], bool]

# The provider asks to be left alone, or did not manage in time; any other 4xx is the caller's own mistake.
_ASKS_FOR_REST = frozenset({408, 425, 429})


def is_failure(error: BaseException) -> bool:
    """Every error counts but those that carry a 4xx status of the caller's doing, and another breaker's refusal."""
    if isinstance(error, BreakerOpen):
        return False
    status = _status(getattr(error, "response", None)) or _status(error)
    return status is None or _failing(status)


def is_failed_answer(answer: Any) -> bool:
    """A response with a status of 500 and above, or one that asks for rest, counts as an exception would."""
    status = _status(answer)
    return status is not None and _failing(status)


def _failing(status: int) -> bool:
    return status >= 500 or status in _ASKS_FOR_REST


def _status(answer: object) -> int | None:
    for name in ("status_code", "status"):
        status = getattr(answer, name, None)
        if isinstance(status, int):
            return status
    return None
