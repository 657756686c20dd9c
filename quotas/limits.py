"""What a limit may be, as people type it and as it is kept."""

import re
from decimal import Decimal

from ops_client.errors import InvalidInput as ImpossibleLimit
from ops_client.quotas.decide import valid_limit
from ops_console.errors import InvalidInput
from quotas.models import Resource

UNLIMITED = "unlimited"
# A place is a row; more at once than this is no limit worth its rows.
MOST_PLACES = 1_000
LONGEST_LIMIT = 40
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([kMGTP]?i?B)$", re.IGNORECASE | re.ASCII)
_TIME = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|min|h)$", re.IGNORECASE | re.ASCII)
# Between thousands: a space (also no-break, thin, narrow no-break), an apostrophe (either form), or `_`.
_MARKS = "[ \u00a0\u2009\u202f'\u2019_]"
_GROUPED = re.compile(rf"(?<![\d.])[1-9]\d{{0,2}}(?P<mark>{_MARKS})\d{{3}}(?:(?P=mark)\d{{3}})*(?!\d)", re.ASCII)
_POINTED_THOUSANDS = re.compile(r"\d\.\d{3}(?!\d)", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_UNITS = ("kB", "MB", "GB", "TB", "PB")


def read_limit(resource: Resource, text: str) -> int | None:
    """A typed limit: a whole number, `unlimited`, for bytes a size (`50 GB`), for seconds a time (`25 h`).

    Raises InvalidInput.
    """
    wanted = plain_number(text)
    if wanted.lower() == UNLIMITED:
        return checked_limit(resource, None)
    return checked_limit(resource, _number(resource.unit, wanted))


def plain_number(text: str, *, decimal_comma: bool = False) -> str:
    """The text without marks between thousands (`12 000`); decimals take a point.

    A comma is refused: it begins decimals in one region and sets thousands apart in another, so `1,500` is two numbers.
    `decimal_comma`: the text may come from the former, where `1.500` is 1500. Raises InvalidInput for either, and for a
    text that is too long.
    """
    wanted = text.strip()
    if len(wanted) > LONGEST_LIMIT:
        raise InvalidInput("limit", f"limit: is longer than {LONGEST_LIMIT} characters. Give a whole number from 0.")
    if "," in wanted or (decimal_comma and _POINTED_THOUSANDS.search(wanted)):
        right = "Write thousands without a separator and decimals with a point: 1500, 1.5 GB."
        raise InvalidInput("limit", f"limit: {wanted!r} has a decimal comma or a thousands separator. {right}")
    return _GROUPED.sub(lambda found: re.sub(_MARKS, "", found[0]), wanted)


def checked_limit(resource: Resource, limit: object, field: str = "limit") -> int | None:
    """The limit where the resource can have it. None is no limit. Raises InvalidInput saying what would be right."""
    if limit is None:
        if not resource.allow_unlimited:
            raise InvalidInput(field, f"{field}: {resource.name} always has a limit. Give a whole number from 0.")
        return None
    try:
        number = valid_limit(limit)
    except ImpossibleLimit as error:
        told = error.message.replace("limit: is", "has to be")
        raise InvalidInput(field, f"{field}: {told}; {limit!r} is not.") from error
    if resource.kind == Resource.Kind.CONCURRENCY and number > MOST_PLACES:
        raise InvalidInput(field, f"{field}: at most {MOST_PLACES:,} can run at once.")
    return number


def show_limit(resource: Resource, limit: int | None) -> str:
    """A limit in the form in which it can be typed again."""
    if limit is None:
        return UNLIMITED
    if resource.unit == "bytes":
        for power, unit in reversed(list(enumerate(_UNITS, start=1))):
            if limit and limit % 1000**power == 0:
                return f"{limit // 1000**power} {unit}"
    if resource.unit == "seconds" and limit:
        for name in ("h", "min"):
            if limit % _SECONDS[name] == 0:
                return f"{limit // _SECONDS[name]} {name}"
    return str(limit)


def _number(unit: str, wanted: str) -> int | str:
    size = _SIZE.match(wanted) if unit == "bytes" else None
    if size:
        return _bytes(*size.groups())
    time = _TIME.match(wanted) if unit == "seconds" else None
    if time:
        return int(Decimal(time[1]) * _SECONDS[time[2].lower()])
    return wanted


def _bytes(number: str, unit: str) -> int:
    prefix = unit[:-1].lower().removesuffix("i")
    base = 1024 if "i" in unit.lower() else 1000
    return int(Decimal(number) * base ** ("kmgtp".index(prefix) + 1 if prefix else 0))
