"""The calls of the last hour as stacked columns, and the state along the same axis. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ops_console.telemetry.provider_shares import Minute
from ops_console.web.columns import WIDTH, Column, column, first_shown

FEWEST_MINUTES = 8


@dataclass(frozen=True)
class Span:
    """How long the shared state stood, along the same axis."""

    status: str
    x: float
    width: float
    words: str


@dataclass(frozen=True)
class Chart:
    """`top` is the number of calls that the full height stands for; `axis` labels are evenly spaced."""

    top: int
    columns: tuple[Column, ...]
    spans: tuple[Span, ...]
    axis: tuple[str, ...]


def draw(minutes: Sequence[Minute], history: Sequence[tuple[datetime, str]], now: datetime) -> Chart:
    """Columns of the minutes from the first with calls, and spans of the state on the same axis.

    `history`: when each state began, and what it was from then on.
    """
    minutes = minutes[first_shown([_total(minute) for minute in minutes], FEWEST_MINUTES) :]
    top = max((_total(minute) for minute in minutes), default=0)
    columns = tuple(
        column(index, len(minutes), _stacked(minute), top, _words(minute)) for index, minute in enumerate(minutes)
    )
    begin = minutes[0].at if minutes else None
    return Chart(top, columns, _spans(_since(history, begin), now), _axis(len(minutes)))


def _since(history: Sequence[tuple[datetime, str]], begin: datetime | None) -> list[tuple[datetime, str]]:
    """The history from `begin` on; the state that it began in starts there."""
    if begin is None:
        return list(history)
    before = [status for at, status in history if at <= begin]
    return [*([(begin, before[-1])] if before else []), *((at, status) for at, status in history if at > begin)]


def _axis(minutes: int) -> tuple[str, ...]:
    quarters = [round(minutes * part / 4) for part in (4, 3, 2, 1)]
    return (f"{quarters[0]} min ago", *map(str, quarters[1:]), "now")


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
