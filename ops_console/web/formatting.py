"""How numbers, sizes, durations and times read on every page. Pure: no request, no template."""

from datetime import datetime
from decimal import Decimal
from typing import Any

NOTHING = "–"
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"))
_NARROW_SPACE = "\u202f"


def grouped(value: Any) -> str:
    """A number with its thousands grouped: 12,345 or 12,345.6; a dash for None."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, float | Decimal) and value != int(value):
        return f"{value:,.1f}"
    return f"{int(value):,}"


def byte_size(value: int | float | None) -> str:
    """Bytes in powers of 1000 with one decimal where it tells something: 104.9 MB."""
    if value is None:
        return NOTHING
    size, unit = float(value), 0
    while abs(size) >= 999.95 and unit < len(_SIZES) - 1:
        size, unit = size / 1000, unit + 1
    digits = 0 if unit == 0 else 1
    return f"{size:,.{digits}f} {_SIZES[unit]}".replace(".0 ", " ")


def duration(seconds: float | None) -> str:
    """Seconds as a person says them, two units at most: 240 ms, 12 s, 3 min 5 s, 2 h 10 min, 4 d."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{int(seconds)} s"
    return _two_units(int(seconds))


def _two_units(seconds: int) -> str:
    for index, (size, name) in enumerate(_SPANS):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            finer, label = _SPANS[index + 1] if index + 1 < len(_SPANS) else (1, "s")
            tail = f" {rest // finer} {label}" if rest // finer else ""
            return f"{whole} {name}{tail}"
    raise AssertionError("less than a minute is said in seconds")


def percent(value: float | Decimal | None) -> str:
    """A `_percent` (0..100) with as many decimals as matter: 0.01 %, 4.1 %, 100 %."""
    if value is None:
        return NOTHING
    if 0 < abs(float(value)) < 0.1:
        return f"{value:.2f}{_NARROW_SPACE}%"
    text = f"{value:.1f}".removesuffix(".0")
    return f"{text}{_NARROW_SPACE}%"


def rate(value: float | None) -> str:
    """A `_rate` (0..1) shown as percent."""
    return percent(None if value is None else value * 100)


def relative(moment: datetime | None, now: datetime) -> str:
    """`moment` as seen from `now`: just now, 12 s ago, in 3 d; "never" for None."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    if seconds > 0:
        return f"{_whole_units(int(seconds))} ago"
    return f"in {_nearest_unit(int(-seconds))}"


def _whole_units(seconds: int) -> str:
    for size, name in _SPANS:
        if seconds >= size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"


def _nearest_unit(seconds: int) -> str:
    """Rounded, so that what ends in 7 days is not "in 6 d" a second later. static/js/time.js does the same."""
    for (size, name), finer in zip(_SPANS, (3_600, 60, 1), strict=True):
        rounded = (seconds + finer // 2) // finer * finer
        if rounded >= size:
            return f"{(rounded + size // 2) // size} {name}"
    return f"{seconds} s"


def short_id(value: Any) -> str:
    """The first eight characters of an id, enough to tell two apart by eye."""
    return str(value)[:8]
