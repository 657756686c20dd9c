"""Every error that the client raises on purpose: one family, so that a service can catch `OpsError` alone."""


def described(error: BaseException) -> str:
    """The text of an error, also of one whose class fails to describe itself."""
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - the class may be anybody's
        return f"(its text cannot be had: {type(broken).__name__})"


class OpsError(Exception):
    """Base of the family. `code` is for programs, `message` is a sentence for a person."""

    retryable = False

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class InvalidInput(OpsError):
    """A value that cannot be right; `field` names it and the message says what would be."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("invalid_input", f"{field}: {message}")
        self.field = field


class NotFound(OpsError):
    """A name that is not defined: a breaker, a resource, an operation."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__("not_found", f"There is no {kind} named {name!r}.")
        self.kind = kind
        self.name = name


class StoreUnavailable(OpsError):
    """The shared database could not answer in time."""

    retryable = True

    def __init__(self, message: str) -> None:
        super().__init__("store_unavailable", message)


class StoreLate(StoreUnavailable):
    """There was no answer within the time that the caller gave it."""


class StoreBusy(StoreUnavailable):
    """Another transaction holds the row; others can be written."""


class StoreRefused(OpsError):
    """The shared database answered that it cannot store this: another attempt would fail the same way."""

    def __init__(self, message: str) -> None:
        super().__init__("store_refused", message)


class CannotListen(OpsError):
    """Notifications do not pass a transaction pooler: changes have to be polled for."""

    def __init__(self) -> None:
        super().__init__(
            "cannot_listen",
            "The database is reached through a transaction pooler, which passes no notifications. "
            "DATABASE_DIRECT_URL can name a direct address.",
        )


class BreakerOpen(OpsError):
    """The call was refused without being made. Never retried in place: the provider needs the rest."""

    def __init__(self, breaker: str, retry_after_seconds: float) -> None:
        super().__init__(
            "breaker_open",
            f"{breaker} is failing and is left alone; ask again in {retry_after_seconds:.0f} s.",
        )
        self.breaker = breaker
        self.retry_after_seconds = retry_after_seconds


class FallbackExhausted(OpsError):
    """Every link of a fallback chain failed; `errors` holds what each one raised, by link."""

    def __init__(self, chain: str, errors: dict[str, Exception]) -> None:
        links = ", ".join(f"{link} ({type(error).__name__})" for link, error in errors.items())
        super().__init__("fallback_exhausted", f"No link of {chain} could answer: {links}.")
        self.chain = chain
        self.errors = errors
