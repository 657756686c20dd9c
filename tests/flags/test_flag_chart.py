"""The drawing of how often a flag was evaluated."""

from datetime import UTC, datetime, timedelta

import pytest

from flags.chart import FEWEST_COLUMNS, draw
from flags.usage import Series

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(hours=6)


def series(*counts: int) -> Series:
    return Series(tuple(BEGIN + STEP * number for number in range(len(counts))), STEP, {"on": counts})


@pytest.mark.parametrize(("silent", "shown"), [(0, 28), (14, 14), (27, FEWEST_COLUMNS)])
def test_the_drawing_starts_at_the_first_evaluation(silent: int, shown: int) -> None:
    """What was before is not drawn, and the axis says where it starts; the table keeps every day."""
    chart = draw(series(*[0] * silent, *[5] * (28 - silent)))
    start = BEGIN + STEP * (28 - shown)
    assert (len(chart.columns), chart.start) == (shown, start)
    assert chart.middle == start + STEP * shown / 2
    assert len(chart.days) == 7


def test_a_flag_that_is_a_day_old_is_drawn_hour_by_hour() -> None:
    """Columns are grouped by what is shown, not by the whole week: the first hours fill the drawing."""
    hours = Series(
        tuple(BEGIN + timedelta(hours=n) for n in range(168)), timedelta(hours=1), {"on": (0,) * 160 + (5,) * 8}
    )
    chart = draw(hours)
    assert (len(chart.columns), chart.start) == (8, BEGIN + timedelta(hours=160))
