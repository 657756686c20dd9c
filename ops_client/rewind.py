"""What a call was given to read from: a stream that was read once is empty the second time, silently."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

_PLAIN = frozenset({str, bytes, int, float, bool, type(None)})
_WIDEST = 32  # streams stand near the top of a call; a payload of a million numbers is not searched
_DEEPEST = 3


class Body:
    """The streams among the arguments of one call, and where each stood before it."""

    __slots__ = ("_positions",)

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._positions: list[tuple[Any, int | None]] = []
        self._search(args, 0)
        self._search(kwargs.values(), 0)

    @property
    def rewindable(self) -> bool:
        return all(position is not None for _, position in self._positions)

    def rewind(self) -> None:
        """Put every stream back to where it stood."""
        for stream, position in self._positions:
            stream.seek(position)

    def _search(self, values: Iterable[Any], depth: int) -> None:
        for value in values:
            if value.__class__ in _PLAIN:
                continue
            if isinstance(value, dict | list | tuple):
                if len(value) <= _WIDEST and depth < _DEEPEST:
                    self._search(value.values() if isinstance(value, dict) else value, depth + 1)
            elif hasattr(value, "read") or isinstance(value, Iterator | AsyncIterator):
                self._positions.append((value, _position(value)))


_NO_STREAMS = Body((), {})


def body_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Body:
    """The streams of one call; next to nothing to ask where the arguments are plain."""
    for value in args:
        if value.__class__ not in _PLAIN:
            return Body(args, kwargs)
    for value in kwargs.values():
        if value.__class__ not in _PLAIN:
            return Body(args, kwargs)
    return _NO_STREAMS


def _position(stream: Any) -> int | None:
    """Where a stream stands; None where it cannot be put back there."""
    try:
        return int(stream.tell()) if stream.seekable() else None
    except (AttributeError, OSError, ValueError):
        return None
