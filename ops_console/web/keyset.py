"""Paging by the last row's keys: page 12,000 costs what page 1 costs, and rows that come in shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from ops_client.text import is_storable
from ops_console.errors import InvalidInput

Row = TypeVar("Row")
_MAX_CURSOR = 2000
FIRST_BATCH = 100


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("PostgreSQL stores neither NUL nor lone surrogates")
    return text


_READ: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "text": _storable,
    "uuid": UUID,
    "time": _aware,
}


@dataclass(frozen=True)
class Key:
    """A column of the order, never NULL. `kind` is int, float, text, uuid or time; `column` its own SQL."""

    name: str
    kind: str = "text"
    descending: bool = False
    column: str = ""


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: after these values, or before them when going back."""

    values: tuple[Any, ...]
    backward: bool


@dataclass(frozen=True)
class Page(Generic[Row]):
    """`next` and `previous` are cursors for the URL, "" where there is nothing more."""

    rows: list[Row]
    next: str
    previous: str


class _RowComparison(Func):
    """`(a, b) > (1, 2)`: an index on (a, b) leads straight to the row, however many rows share the first key."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, tuple[Any, ...]]:
        compiled = [compiler.compile(part) for part in self.get_source_expressions()]
        half = len(compiled) // 2
        columns, values = (", ".join(text for text, _ in part) for part in (compiled[:half], compiled[half:]))
        params = tuple(param for _, given in compiled for param in given)
        return f"({columns}) {self.extra['arg_joiner']} ({values})", params


class Keyset:
    """An order and its pages. The last key must be unique.

    `Keyset(Key("since", "time", descending=True), Key("id", "uuid"), size=50)`
    """

    def __init__(self, *keys: Key, size: int = 50) -> None:
        self.keys = keys
        self.size = size

    def page(self, queryset: QuerySet[Any], cursor: str = "") -> Page[Any]:
        """One page of a queryset. Raises InvalidInput (field `cursor`) on a cursor that is not ours."""
        return self.cut(list(self.start(queryset, cursor)), cursor)

    def start(self, queryset: QuerySet[Any], cursor: str = "") -> QuerySet[Any]:
        """The `size + 1` rows that `cut` makes a page of. Raises InvalidInput as `page` does."""
        return self._from(queryset, self.read(cursor))[: self.size + 1]

    def batches(self, queryset: QuerySet[Any], size: int = 500) -> Iterator[list[Any]]:
        """Every row in this order, at most `size` rows a query: for exports and jobs of any length.

        The first batch is small, so that a download begins at once, and memory stays flat. A server-side cursor would
        first write the whole result to a temporary file (WITH HOLD) and keep its snapshot open until the reader has
        finished.
        """
        at: Cursor | None = None
        wanted = min(FIRST_BATCH, size)
        while rows := list(self._from(queryset, at)[:wanted]):
            yield rows
            if len(rows) < wanted:
                return
            wanted = size
            at = Cursor(tuple(_value(rows[-1], key.name) for key in self.keys), backward=False)

    def rows(self, queryset: QuerySet[Any]) -> Iterator[Any]:
        """Every row in this order, read as `batches` does. Rows of `values_list` need `named=True` and the keys."""
        for batch in self.batches(queryset):
            yield from batch

    def sql(self, cursor: str = "") -> tuple[str, str, dict[str, Any]]:
        """For SQL written by hand: a condition, the ORDER BY list and the parameters `k0`, `k1`, ...

        Select `size + 1` rows and give them to `cut`. Raises InvalidInput as `page` does.
        """
        at = self.read(cursor)
        order = ", ".join(f"{_sql(key)} {'DESC' if _down(key, at) else 'ASC'}" for key in self.keys)
        if not at:
            return "TRUE", order, {}
        branches = [" AND ".join(self._branch(at, end)) for end in range(len(self.keys))]
        return f"(({') OR ('.join(branches)}))", order, {f"k{i}": v for i, v in enumerate(at.values)}

    def cut(self, rows: Sequence[Any], cursor: str = "") -> Page[Any]:
        """A page of the `size + 1` rows that were read in the cursor's order."""
        at = self.read(cursor)
        more, shown = len(rows) > self.size, list(rows[: self.size])
        if at and at.backward:
            shown.reverse()
        backward = at is not None and at.backward
        has_next, has_previous = (bool(shown), more) if backward else (more, at is not None)
        return Page(
            shown,
            self.write(shown[-1], backward=False) if has_next and shown else "",
            self.write(shown[0], backward=True) if has_previous and shown else "",
        )

    def write(self, row: Any, backward: bool) -> str:
        """The cursor that stands at a row (a model, a dict or a named tuple)."""
        values = [_text(_value(row, key.name)) for key in self.keys]
        packed = json.dumps(["b" if backward else "f", *values], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")

    def read(self, cursor: str) -> Cursor | None:
        """The cursor's values, each of its key's kind. Raises InvalidInput on anything else."""
        if not cursor:
            return None
        try:
            way, *values = _unpack(cursor)
            if way not in ("f", "b") or len(values) != len(self.keys):
                raise ValueError(cursor)
            typed = tuple(_READ[key.kind](value) for key, value in zip(self.keys, values, strict=True))
        except (ValueError, TypeError, binascii.Error) as error:
            message = "This page of the list cannot be found: the link is cut or old. Open the list again."
            raise InvalidInput("cursor", message) from error
        return Cursor(typed, way == "b")

    def _from(self, queryset: QuerySet[Any], at: Cursor | None) -> QuerySet[Any]:
        ordered = queryset.order_by(*self._order_by(at))
        return ordered.filter(self._after(at)) if at else ordered

    def _after(self, at: Cursor) -> Q:
        if len({key.descending for key in self.keys}) == 1:
            columns = [F(key.name) for key in self.keys]
            row = _RowComparison(*columns, *map(Value, at.values), arg_joiner="<" if _down(self.keys[0], at) else ">")
            return Q(row)
        return self._after_mixed(at)

    def _order_by(self, at: Cursor | None) -> list[str]:
        return [f"-{key.name}" if _down(key, at) else key.name for key in self.keys]

    def _after_mixed(self, at: Cursor) -> Q:
        first = self.keys[0]
        # The bound on the first key alone lets an index on it be used; the OR below it cannot.
        condition = Q(**{f"{first.name}__{'lte' if _down(first, at) else 'gte'}": at.values[0]})
        branches = Q()
        for end, last in enumerate(self.keys):
            same = {key.name: at.values[i] for i, key in enumerate(self.keys[:end])}
            branches |= Q(**same, **{f"{last.name}__{'lt' if _down(last, at) else 'gt'}": at.values[end]})
        return condition & branches

    def _branch(self, at: Cursor, end: int) -> list[str]:
        same = [f"{_sql(key)} = %(k{i})s" for i, key in enumerate(self.keys[:end])]
        last = self.keys[end]
        return [*same, f"{_sql(last)} {'<' if _down(last, at) else '>'} %(k{end})s"]


def _down(key: Key, at: Cursor | None) -> bool:
    return key.descending != (at is not None and at.backward)


def _sql(key: Key) -> str:
    return key.column or key.name


def _value(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _unpack(cursor: str) -> list[str]:
    if len(cursor) > _MAX_CURSOR:
        raise ValueError("too long")
    raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    unpacked = json.loads(raw)
    if not isinstance(unpacked, list) or not all(isinstance(item, str) for item in unpacked):
        raise ValueError("not a list of texts")
    return unpacked
