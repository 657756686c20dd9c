"""How often a flag was asked for, as stacked columns and as a table. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flags.usage import Series
from ops_console.web.columns import Column, column, first_shown

FEWEST_COLUMNS = 3
_MOST_COLUMNS = 60
_MOST_LINES = 6
_OTHERS = "all others"


@dataclass(frozen=True)
class Chart:
    """`top` is the count that the full height stands for; `keys` are (class, label, total), as the table's columns.

    `start` is when the drawing begins, `middle` its half.
    """

    top: int
    columns: tuple[Column, ...]
    start: datetime
    middle: datetime
    keys: tuple[tuple[str, str, int], ...]
    days: tuple[tuple[datetime, tuple[int, ...]], ...]


def draw(series: Series) -> Chart:
    """Stacked columns from the first evaluation on, and the counts a day."""
    lines = _bounded(series.lines)
    began = first_shown([sum(stack) for stack in zip(*lines.values(), strict=True)], FEWEST_COLUMNS) if lines else 0
    # As many columns as there is room for: what began a day ago is drawn hour by hour.
    group = -(-(len(series.starts) - began) // _MOST_COLUMNS)
    began -= began % group
    summed = {label: _summed(values[began:], group) for label, values in lines.items()}
    starts = series.starts[began::group]
    keys = tuple((_css(label, index), label, sum(values)) for index, (label, values) in enumerate(lines.items()))
    stacks = list(zip(*summed.values(), strict=True)) if summed else [()] * len(starts)
    top = max(map(sum, stacks), default=0)
    classes = [css for css, _, _ in keys]
    drawn = tuple(
        column(index, len(starts), zip(classes, stack, strict=True), top, _words(keys, start, stack))
        for index, (start, stack) in enumerate(zip(starts, stacks, strict=True))
    )
    end = starts[-1] + series.step * group
    return Chart(top, drawn, starts[0], starts[0] + (end - starts[0]) / 2, keys, _by_day(series, lines))


def _bounded(lines: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The busiest lines, and the rest as one."""
    if len(lines) <= _MOST_LINES:
        return lines
    kept = dict(list(lines.items())[: _MOST_LINES - 1])
    rest = [values for label, values in lines.items() if label not in kept]
    return {**kept, _OTHERS: tuple(map(sum, zip(*rest, strict=True)))}


def _summed(values: Sequence[int], group: int) -> list[int]:
    return [sum(values[index : index + group]) for index in range(0, len(values), group)]


def _words(keys: Sequence[tuple[str, str, int]], start: datetime, stack: Sequence[int]) -> str:
    said = ", ".join(f"{label} {count:,}" for (_, label, _), count in zip(keys, stack, strict=True) if count)
    return f"From {start:%a %d %b %H:%M} UTC: {said or 'not asked'}"


def _by_day(series: Series, lines: dict[str, tuple[int, ...]]) -> tuple[tuple[datetime, tuple[int, ...]], ...]:
    """Newest first."""
    group = max(timedelta(days=1) // series.step, 1)
    summed = [_summed(values, group) for values in lines.values()]
    rows = [(start, tuple(values[index] for values in summed)) for index, start in enumerate(series.starts[::group])]
    return tuple(reversed(rows))


def _css(label: str, index: int) -> str:
    return "series-off" if label == "off" else f"series-{index}"
