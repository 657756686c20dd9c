"""The hour's drawing as numbers."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents.breakers.chart import FEWEST_MINUTES, draw
from ops_console.telemetry.provider_shares import Calls, Minute
from ops_console.web.columns import HEIGHT, WIDTH

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def minutes(*calls: Calls) -> list[Minute]:
    return [Minute(NOW + timedelta(minutes=index), one) for index, one in enumerate(calls)]


def test_the_busiest_minute_fills_the_height() -> None:
    """Failed, answered and refused stand on each other; the highest column is the scale."""
    chart = draw(minutes(Calls(attempts=6, failures=2, refused=4), Calls(attempts=5)), [], NOW)
    assert chart.top == 10
    assert [(part.css, part.height) for part in chart.columns[0].parts] == [
        ("failed", 20),
        ("ok", 40),
        ("refused", 40),
    ]
    assert sum(part.height for part in chart.columns[1].parts) == HEIGHT / 2


def test_an_hour_without_calls_draws_nothing() -> None:
    """No column has a part, and nothing divides by zero."""
    chart = draw(minutes(Calls(), Calls()), [], NOW)
    assert chart.top == 0 and not any(column.parts for column in chart.columns)


def test_counts_that_contradict_each_other_are_drawn_within_the_chart() -> None:
    """Backends send the counts: more failures than attempts draw a full column, and nothing raises."""
    for calls in (Calls(failures=3), Calls(attempts=2, failures=9), Calls(attempts=-1, failures=-2)):
        (column,) = draw(minutes(calls), [], NOW).columns
        assert all(0 <= part.y <= HEIGHT and part.height >= 0 for part in column.parts)
        assert sum(part.height for part in column.parts) <= HEIGHT


def test_the_drawing_starts_at_the_first_call() -> None:
    """Calls of the last quarter fill the width, with their own axis; the state's spans start there too."""
    hour = minutes(*[Calls()] * 40, *[Calls(attempts=1)] * 20)
    end = NOW + timedelta(minutes=60)
    history = [(NOW, "closed"), (NOW + timedelta(minutes=50), "open")]
    chart = draw(hour, history, end)
    assert (len(chart.columns), chart.columns[0].x < 1) == (20, True)
    assert all(column.parts for column in chart.columns)
    assert chart.axis == ("20 min ago", "15", "10", "5", "now")
    closed, opened = chart.spans
    assert (closed.status, closed.x, closed.width) == ("closed", 0, WIDTH / 2)
    assert (opened.status, opened.x, opened.width) == ("open", WIDTH / 2, WIDTH / 2)


@pytest.mark.parametrize(("silent", "shown"), [(59, FEWEST_MINUTES), (60, 60), (0, 60)])
def test_a_first_call_just_now_is_not_as_wide_as_the_chart(silent: int, shown: int) -> None:
    """Some minutes are shown at least; without any call it is the whole hour."""
    hour = minutes(*[Calls()] * silent, *[Calls(refused=1)] * (60 - silent))
    assert len(draw(hour, [], NOW + timedelta(hours=1)).columns) == shown


def test_spans_of_the_state_meet_without_gaps() -> None:
    """Each state reaches to the next, and the last to now; what was before the breaker is left out."""
    begin = NOW - timedelta(minutes=60)
    history = [
        (begin, ""),
        (begin + timedelta(minutes=30), "closed"),
        (begin + timedelta(minutes=45), "open"),
    ]
    closed, opened = draw([], history, NOW).spans
    assert (closed.status, closed.x, closed.width) == ("closed", WIDTH / 2, WIDTH / 4)
    assert opened.x + opened.width == WIDTH
