"""The console's family of errors: each has a code for programs and a sentence for a person."""

from typing import Any


class ConsoleError(Exception):
    """Something that a person can be told. `status` is the HTTP answer it becomes, `field` what it is about."""

    status = 400
    code = "error"
    field = ""
    retry_after_seconds = 0

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


class ReauthenticationRequired(NotAllowed):
    """The role reaches, but the last proof of who acts is too old for this change."""

    code = "reauthentication_required"


class NotFound(ConsoleError):
    """There is no such thing, or no longer."""

    status = 404
    code = "not_found"


class Conflict(ConsoleError):
    """Somebody changed the thing since it was read. Carries both versions, field by field.

    `target` is the (type, id) that the audit knows the thing by: from it pages say who changed what, and when.
    """

    status = 409
    code = "conflict"

    def __init__(
        self, message: str, current: dict[str, Any], submitted: dict[str, Any], target: tuple[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.current = current
        self.submitted = submitted
        self.target = target

    @property
    def changes_between(self) -> int:
        """How many changes were made since the version that was read; 1 where versions do not tell."""
        now, read = self.current.get("version"), self.submitted.get("version")
        return max(now - read, 1) if isinstance(now, int) and isinstance(read, int) else 1


class NotAuthenticated(ConsoleError):
    """Nobody can be told by what was sent: no token, a wrong one, one that has ended."""

    status = 401
    code = "not_authenticated"


class NotAcceptable(ConsoleError):
    """The asker wants a form that is not offered."""

    status = 406
    code = "not_acceptable"


class NotJson(ConsoleError):
    """The body is not of the type that is read."""

    status = 415
    code = "unsupported_media_type"


class VersionNeeded(ConsoleError):
    """A change must say which version it was made from."""

    status = 428
    code = "version_needed"


class TooMany(ConsoleError):
    """More was asked than is allowed in the time; the same may be asked again later."""

    status = 429
    code = "too_many"

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
