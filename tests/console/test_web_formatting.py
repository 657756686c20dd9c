"""Numbers, sizes, durations, times and charts read as a person would say them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops_console.templatetags.ui import spark
from ops_console.web import charts
from ops_console.web.diff import ABSENT, Change, changes
from ops_console.web.formatting import byte_size, duration, grouped, percent, rate, relative
from ops_console.web.statuses import status_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (2326, "2,326"), (-1234.5, "-1,234.5"), (None, "–"), ("", "–"), (3.0, "3")]
)
def test_numbers_are_grouped(value: Any, said: str) -> None:
    """Thousands are grouped; nothing known is a dash."""
    assert grouped(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (104_857_600, "104.9 MB"), (999_999, "1 MB"), (10**18, "1,000 PB")],
)
def test_sizes(value: int, said: str) -> None:
    """Sizes take the unit that keeps them short."""
    assert byte_size(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.24, "240 ms"),
        (1.5, "1.5 s"),
        (12, "12 s"),
        (185, "3 min 5 s"),
        (7200, "2 h"),
        (7800, "2 h 10 min"),
        (345_600, "4 d"),
        (None, "–"),
        (-12, "-12 s"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    """Durations take two units at most."""
    assert duration(seconds) == said


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (0.01, "0.01"), (4.12, "4.1"), (100, "100")])
def test_percent(value: float, said: str) -> None:
    """A percentage keeps the hundredths that a rollout may have."""
    assert percent(value).split("\u202f")[0] == said


def test_a_rate_is_shown_as_percent() -> None:
    """0.041 of all calls is 4.1 %."""
    assert rate(0.041) == percent(4.1)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (12, "12 s ago"),
        (3700, "1 h ago"),
        (200_000, "2 d ago"),
        (-59, "in 59 s"),
        (-80, "in 1 min"),
        (-3599.9, "in 1 h"),
        (-50_000, "in 14 h"),
        (-7 * 86_400 + 3, "in 7 d"),
        (-90 * 86_400 + 0.5, "in 90 d"),
    ],
)
def test_times_are_relative(seconds: float, said: str) -> None:
    """A time is said as seen from now; one to come is rounded, so that 7 days do not read as 6 at once."""
    assert relative(NOW - timedelta(seconds=seconds), NOW) == said


def test_a_word_that_nobody_foresaw_has_a_badge_too() -> None:
    """A status the console does not know is shown as it is, neutral, and still with an icon."""
    badge = status_of("odd_word")
    assert (badge.label, badge.tone, bool(badge.icon)) == ("Odd word", "idle", True)


@pytest.mark.parametrize(
    ("used", "limit", "filled", "tone"),
    [
        (0, 0, 0, "ok"),
        (1, 0, 100, "bad"),
        (5, None, 0, "idle"),
        (7, 5, 100, "bad"),
        (90, 100, 90, "warn"),
        (1, 4, 25, "ok"),
    ],
)
def test_bars(used: float, limit: float | None, filled: float, tone: str) -> None:
    """A bar never runs over, knows a limit of 0, and draws nothing where there is no limit."""
    drawn = charts.bar(used, limit, (0.8, 0.95))
    assert (drawn.filled, drawn.tone) == (filled, tone)


def test_a_gap_in_a_sparkline_stays_a_gap() -> None:
    """An unknown value parts the line; it is no zero, and what stands alone is drawn as a dot."""
    line, dot = charts.spark_points([1, 2, None, 3])
    assert len(line.split()) == 2
    assert dot.split() == ["96.0,2.0"] * 2


def test_a_sparkline_is_drawn_with_its_label_escaped() -> None:
    """The label is read out and shown on hover; each run of values is a line of its own."""
    drawn = spark([1, 2, None, 3], "a < b", "bad")
    assert drawn.startswith('<svg class="spark bad" ') and drawn.count("<polyline points=") == 2
    assert 'aria-label="a &lt; b"' in drawn and "<title>a &lt; b</title>" in drawn


def test_a_diff_names_only_what_changed() -> None:
    """Fields that stand alike are left out, those that came or went are in."""
    found = changes({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": True})
    assert [(row.field, row.before, row.after) for row in found] == [
        ("b", "2", "5"),
        ("c", "3", "–"),
        ("d", "–", "yes"),
    ]


@pytest.mark.parametrize("empty", ["", [], {}, None])
def test_an_empty_field_of_a_new_thing_is_no_change(empty: Any) -> None:
    """What was not there and is empty now did not change; taking something away did."""
    assert changes(None, {"rules": empty, "name": "x"}) == [Change("name", ABSENT, "x", True)]
    assert [row.field for row in changes({"rules": [1]}, {"rules": empty})] == ["rules"]
