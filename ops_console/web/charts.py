"""Small pictures as numbers for an SVG: worked out on the server, so that they need no script."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A level against its limit, as shares of a drawing 100 wide; `tone` by the soft limits passed."""

    filled: float
    marks: list[float]
    tone: str


def bar(used: float, limit: float | None, soft_rates: Sequence[float] = ()) -> Bar:
    """Without a limit nothing is filled; a limit of 0 is full as soon as anything is used."""
    if limit is None:
        return Bar(0, [], "idle")
    share = used / limit if limit > 0 else float(used > 0)
    tone = "bad" if share >= 1 and used > 0 else "warn" if any(share >= soft for soft in soft_rates) else "ok"
    return Bar(round(min(max(share, 0), 1) * 100, 2), [round(soft * 100, 2) for soft in soft_rates], tone)


def spark_points(values: Sequence[float | None], width: int = 96, height: int = 24) -> list[str]:
    """The polylines of a sparkline, one a run of known values: a gap stays a gap, a value alone is a dot."""
    known = [value for value in values if value is not None]
    top = max(known, default=0) or 1
    step = width / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            y = height - 2 - (max(value, 0) / top) * (height - 4)
            runs[-1].append(f"{index * step:.1f},{y:.1f}")
    return [" ".join(run if len(run) > 1 else run * 2) for run in runs if run]
