"""Stacked columns as numbers for an SVG 600 wide and 100 high: worked out on the server. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600.0, 100.0
_GAP = 1.0


@dataclass(frozen=True)
class Part:
    """One piece of a column; `css` is its class."""

    css: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """One span of time."""

    x: float
    width: float
    parts: tuple[Part, ...]
    words: str


def column(index: int, among: int, stacked: Iterable[tuple[str, int]], top: int, words: str) -> Column:
    """The column at `index` of so many: (class, count) from the bottom up, `top` being the count of the full height."""
    step = WIDTH / max(among, 1)
    return Column(round(index * step + _GAP / 2, 2), round(step - _GAP, 2), tuple(_parts(stacked, top)), words)


def _parts(stacked: Iterable[tuple[str, int]], top: int) -> Iterable[Part]:
    # Counts are a backend's: more may have failed than were tried, and `top` may be nothing.
    y = HEIGHT
    for css, count in stacked:
        height = min(max(count, 0) / max(top, 1) * HEIGHT, y)
        if height > 0:
            y -= height
            yield Part(css, round(y, 2), round(height, 2))


def first_shown(totals: Sequence[int], fewest: int) -> int:
    """The index of the first column with data, so that the drawing is not mostly empty; `fewest` columns are shown."""
    first = next((index for index, total in enumerate(totals) if total), 0)
    return max(min(first, len(totals) - fewest), 0)
