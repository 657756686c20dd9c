"""Finds the streams among a call's arguments: one that was read once is empty on the second attempt, silently."""

import dataclasses
from collections import deque
from collections.abc import AsyncIterator, Coroutine, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from functools import partial
from types import SimpleNamespace
from typing import Any

_PLAIN = frozenset({str, bytes, bytearray, int, float, bool, complex, type(None)})
_CONTAINERS = (list, tuple, set, frozenset, deque, KeysView, ItemsView, ValuesView)
_READ_ONCE = (Iterator, AsyncIterator, Coroutine)
# A container of plain values is passed over at the speed of C; of others so many are searched.
_LONGEST = 1_000_000
_MOST_VALUES = 100_000


class Body:
    """The streams among the arguments of one call, and where each stood before it.

    Containers and data objects (dataclasses, pydantic, attrs, namespaces) are searched to any depth, of other objects
    the attributes alone: what a client or a session holds inside is its own.
    """

    __slots__ = ("_left", "_positions", "_seen", "complete")

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._positions: list[tuple[Any, int | None]] = []
        self._left = _MOST_VALUES
        self._seen: set[int] = set()
        self.complete = True
        pending: list[tuple[Iterable[Any], bool]] = [(args, False), (kwargs.values(), False)]
        try:
            while pending and self.complete:
                values, is_object = pending.pop()
                pending += self._inside(values, is_object)
        except Exception:  # noqa: BLE001 - an argument that fails to be searched must not fail the first attempt
            self.complete = False

    @property
    def rewindable(self) -> bool:
        return self.complete and all(position is not None for _, position in self._positions)

    @property
    def obstacle(self) -> str:
        """Why the call cannot be repeated; "" where it can be."""
        if not self.complete:
            return "its arguments cannot be searched for streams"
        return "" if self.rewindable else "a stream among its arguments cannot be rewound"

    def rewind(self) -> None:
        """Put every stream back to where it stood."""
        for stream, position in self._positions:
            stream.seek(position)

    def _inside(self, values: Iterable[Any], is_object: bool) -> Iterator[tuple[Iterable[Any], bool]]:
        """Note the streams among `values`, and yield what else is to be searched.

        `is_object`: they are the attributes of an object that is no data; objects below are not searched.
        """
        for value in values:
            if value.__class__ in _PLAIN or isinstance(value, type) or id(value) in self._seen:
                continue
            self._seen.add(id(value))
            self._left -= 1
            if self._left < 0:
                self.complete = False
                return
            if isinstance(value, (*_CONTAINERS, Mapping)):
                found = value.values() if isinstance(value, Mapping) else value
                if len(value) > _LONGEST:
                    self.complete = False
                elif not _PLAIN.issuperset(map(type, found)):
                    yield list(found), is_object
            elif isinstance(value, partial):
                yield [value.func, *value.args, *value.keywords.values()], is_object
            # Called, because a timeout's `read` is a number of seconds.
            elif callable(getattr(value, "read", None)) or isinstance(value, _READ_ONCE):
                if not is_object or _is_readable(value):
                    self._positions.append((value, _position(value)))
            elif not is_object or _is_data(value):
                yield _attributes(value), not _is_data(value)


_NO_STREAMS = Body((), {})


def body_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Body:
    """The streams of one call; next to nothing to do where the arguments are plain."""
    for value in args:
        if value.__class__ not in _PLAIN:
            return Body(args, kwargs)
    for value in kwargs.values():
        if value.__class__ not in _PLAIN:
            return Body(args, kwargs)
    return _NO_STREAMS


def _is_data(value: Any) -> bool:
    kind = type(value)
    names = ("__pydantic_fields__", "model_fields", "__attrs_attrs__")
    return dataclasses.is_dataclass(kind) or isinstance(value, SimpleNamespace) or any(hasattr(kind, n) for n in names)


def _attributes(value: Any) -> list[Any]:
    """The values of an object's own attributes, without running a property."""
    found = list(getattr(value, "__dict__", {}).values())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            descriptor = kind.__dict__.get(name)
            try:
                found.append(descriptor.__get__(value, kind) if descriptor is not None else None)
            except AttributeError:
                continue
    return found


def _is_readable(stream: Any) -> bool:
    """A file that an object only writes, its log for instance, is no body."""
    try:
        return bool(stream.readable())
    except (AttributeError, ValueError):
        return True


def _position(stream: Any) -> int | None:
    """Where a stream stands; None where it cannot be put back there."""
    try:
        return int(stream.tell()) if stream.seekable() else None
    except (AttributeError, OSError, ValueError):
        return None
