"""The calls of the last hour as stacked columns, and the state along the same axis. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ops_console.telemetry.provider_shares import Minute
from ops_console.web.columns import WIDTH, Column, column


@dataclass(frozen=True)
class Span:
    """How long the shared state stood, along the same axis."""

    status: str
    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Chart:
    """`top` is the number of calls that the full height stands for."""

    top: int
    columns: tuple[Column, ...]
    spans: tuple[Span, ...]


def draw(minutes: Sequence[Minute], history: Sequence[tuple[datetime, str]], now: datetime) -> Chart:
    """Columns of the minutes, and spans of the state from `history`: when it began, and what it was from then on."""
    top = max((_total(minute) for minute in minutes), default=0)
    columns = tuple(
        column(index, len(minutes), _stacked(minute), top, _words(minute)) for index, minute in enumerate(minutes)
    )
    return Chart(top, columns, _spans(history, now))


def _stacked(minute: Minute) -> tuple[tuple[str, int], ...]:
    calls = minute.calls
    return (("failed", calls.failures), ("ok", calls.attempts - calls.failures), ("refused", calls.refused))


def _spans(history: Sequence[tuple[datetime, str]], now: datetime) -> tuple[Span, ...]:
    if not history:
        return ()
    begin = history[0][0]
    seconds = max((now - begin).total_seconds(), 1.0)
    ends = [at for at, _ in history[1:]] + [now]
    spans = []
    for (at, status), end in zip(history, ends, strict=True):
        x = (at - begin).total_seconds() / seconds * WIDTH
        width = (end - at).total_seconds() / seconds * WIDTH
        if status:
            spans.append(Span(status, round(x, 2), round(max(width, 0.0), 2), f"{status} from {at:%H:%M:%S} UTC"))
    return tuple(spans)


def _total(minute: Minute) -> int:
    return minute.calls.attempts + minute.calls.refused


def _words(minute: Minute) -> str:
    calls = minute.calls
    return f"{minute.at:%H:%M} UTC: {calls.attempts} attempts, {calls.failures} failed, {calls.refused} refused"
