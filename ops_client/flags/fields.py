"""Reading values that people and other programs wrote as JSON: each function gives one, or says what would be right."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ops_client.errors import InvalidInput


def entry(raw: object, what: str, known: frozenset[str]) -> Mapping[str, object]:
    """An object with known fields only. A field of a newer version may narrow what it says, so it is refused."""
    if not isinstance(raw, dict):
        raise InvalidInput(what, "is an object with named fields")
    if not raw.keys() <= known:
        unknown = ", ".join(sorted(str(key) for key in raw.keys() - known))
        raise InvalidInput(what, f"this version does not know {unknown}")
    return raw


def items(of: Mapping[str, object], field: str) -> list[object]:
    """A list; empty where there is none."""
    value = of.get(field) or []
    if not isinstance(value, list | tuple):
        raise InvalidInput(field, "is a list")
    return list(value)


def string(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(field, "is text")
    return value


def filled(value: object, field: str) -> str:
    """Text that is not empty."""
    found = string(value, field)
    if not found:
        raise InvalidInput(field, "must not be empty")
    return found


def boolean(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(field, "is true or false")
    return value


def scalar(value: object, field: str = "values") -> str:
    """Text, or a number or truth value in the spelling that contexts are compared in."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float | Decimal):
        raise InvalidInput(field, "are texts or numbers")
    return str(value)


def whole(value: object, field: str, highest: int) -> int:
    """A whole number from 0 to `highest`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= highest:
        raise InvalidInput(field, f"is a whole number from 0 to {highest}")
    return value


def percentage(value: object, field: str = "percent") -> Decimal:
    """A percentage as an exact number, 0 to 100."""
    if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool):
        try:
            percent = Decimal(str(value))
        except InvalidOperation:
            percent = Decimal("NaN")
        if percent.is_finite() and 0 <= percent <= 100:
            return percent
    raise InvalidInput(field, "a percentage is a number from 0 to 100")


def time_or_none(value: object, field: str) -> datetime | None:
    """A date and time as a database or a file gives it."""
    if value is None or isinstance(value, datetime):
        return _aware(value) if value else None
    found = moment(value) if isinstance(value, str) else None
    if found is None:
        raise InvalidInput(field, "is a date and time as ISO 8601, such as 2026-12-24T08:00:00Z")
    return found


def moment(value: str) -> datetime | None:
    """An ISO 8601 date and time; one that names no zone is UTC."""
    try:
        return _aware(datetime.fromisoformat(value))
    except ValueError:
        return None


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)
