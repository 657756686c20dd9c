"""Calls counted in memory until they are published."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any


@dataclass(slots=True)
class Tally:
    """Attempts reached the provider; final calls are what its users asked for, after retries and fallbacks."""

    attempts: int = 0
    failures: int = 0
    slow: int = 0
    final_calls: int = 0
    final_failures: int = 0
    refused: int = 0

    def attempt(self, failed: bool, slow: bool, is_final: bool) -> None:
        self.attempts += 1
        if failed:
            self.failures += 1
        if slow:
            self.slow += 1
        if is_final:
            self.final(failed)

    def final(self, failed: bool) -> None:
        self.final_calls += 1
        self.final_failures += failed

    def __bool__(self) -> bool:
        return any(astuple(self))

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(mine + more for mine, more in zip(astuple(self), astuple(other), strict=True)))


class Pending:
    """Tallies taken but not yet written, by provider and by minute of this process's clock; bounded."""

    MINUTES = 60

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], Tally] = {}

    def add(self, provider: str, tally: Tally, monotonic: float) -> None:
        key = (provider, int(monotonic // 60))
        self._kept[key] = self._kept.get(key, Tally()) + tally

    def rows(self, monotonic: float) -> list[dict[str, Any]]:
        """What to write, each with its age in seconds; what is older than an hour is let go."""
        minute = int(monotonic // 60)
        self._kept = {key: tally for key, tally in self._kept.items() if minute - key[1] < self.MINUTES}
        return [
            {"provider": provider, "minute": then, "age_seconds": (minute - then) * 60.0, **_columns(tally)}
            for (provider, then), tally in self._kept.items()
        ]

    def written(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Let go of rows that are stored, so that they are not added twice."""
        for row in rows:
            self._kept.pop((row["provider"], row["minute"]), None)

    def clear(self) -> None:
        self._kept.clear()


def _columns(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in Tally.__slots__}
