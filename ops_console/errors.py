"""The console's family of errors: each has a code for programs and a sentence for a person."""

from typing import Any


class ConsoleError(Exception):
    """Something that a person can be told. `status` is the HTTP answer it becomes."""

    status = 400
    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(ConsoleError):
    """A field holds something that it must not; the message says what would be right."""

    status = 422
    code = "invalid_input"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(ConsoleError):
    """The actor's role does not reach."""

    status = 403
    code = "not_allowed"


class NotFound(ConsoleError):
    """There is no such thing, or no longer."""

    status = 404
    code = "not_found"


class Conflict(ConsoleError):
    """Somebody changed the thing since it was read. Carries both versions, field by field."""

    status = 409
    code = "conflict"

    def __init__(self, message: str, current: dict[str, Any], submitted: dict[str, Any]) -> None:
        super().__init__(message)
        self.current = current
        self.submitted = submitted
