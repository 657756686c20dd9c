"""Variants: what a flag says of them (weights, overrides, payload), and the one that a caller is given."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from ops_client.errors import InvalidInput
from ops_client.flags import fields
from ops_client.flags.buckets import DEFAULT

HEAVIEST = 1000

_VARIANT_KEYS = frozenset({"name", "weight", "payload", "stickiness", "overrides"})
_PAYLOAD_KEYS = frozenset({"type", "value"})
_OVERRIDE_KEYS = frozenset({"field", "values"})


@dataclass(frozen=True, slots=True, eq=False)
class Payload(Mapping[str, str]):
    """What a variant carries, as it was written; `type` is one of `string`, `json`, `number`, `csv`.

    It is `{"type": ..., "value": ...}` too, for code that knew payloads as that.
    """

    type: str
    value: str

    def __getitem__(self, name: str) -> str:
        if name not in _PAYLOAD_KEYS:
            raise KeyError(name)
        return str(getattr(self, name))

    def __iter__(self) -> Iterator[str]:
        return iter(("type", "value"))

    def __len__(self) -> int:
        return len(_PAYLOAD_KEYS)

    def __hash__(self) -> int:
        return hash((self.type, self.value))

    def parsed(self) -> object:
        """The value as its type has it: text, anything of JSON, a number, a list of texts. Raises InvalidInput."""
        try:
            return _PARSERS.get(self.type, str)(self.value)
        except (ValueError, RecursionError, csv.Error) as error:
            raise InvalidInput("payload", f"is not {self.type}: {error}") from error


@dataclass(frozen=True, slots=True)
class Variant:
    """What a caller is given. `enabled` False: none was chosen; `feature_enabled` tells whether the flag is on."""

    name: str
    enabled: bool
    payload: Payload | None = None
    feature_enabled: bool = False


# No variant: of a flag that is off, and of one that is on and has none for this context.
DISABLED = Variant("disabled", enabled=False)
ON_WITHOUT = Variant("disabled", enabled=False, feature_enabled=True)


@dataclass(frozen=True, slots=True)
class Override:
    """Contexts whose field is one of these values get the variant, whatever its weight."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VariantDefinition:
    """One of the variants of a flag or rule. Weights are relative; the first one's stickiness is that of them all."""

    name: str
    weight: int = 0
    payload: Payload | None = None
    stickiness: str = DEFAULT
    overrides: tuple[Override, ...] = ()


def variants_from_json(of: Mapping[str, object]) -> tuple[VariantDefinition, ...]:
    """The `variants` of a flag or a rule. Raises InvalidInput, naming the field, for anything not understood."""
    found = tuple(variant_from_json(each) for each in fields.items(of, "variants"))
    names = [each.name for each in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput("variants", f"two of them are named {twice!r}")
    return found


def variant_from_json(raw: object) -> VariantDefinition:
    """Read one variant. Raises InvalidInput, naming the field."""
    entry = fields.entry(raw, "variants", _VARIANT_KEYS)
    payload = entry.get("payload")
    return VariantDefinition(
        name=fields.filled(entry.get("name"), "name"),
        weight=fields.whole(entry.get("weight", 0), "weight", HEAVIEST),
        payload=None if payload is None else payload_from_json(payload),
        stickiness=fields.filled(entry.get("stickiness") or DEFAULT, "stickiness"),
        overrides=tuple(_override(each) for each in fields.items(entry, "overrides")),
    )


def payload_from_json(raw: object) -> Payload:
    """Read a payload; that its value fits its type is the console's to check. Raises InvalidInput."""
    entry = fields.entry(raw, "payload", _PAYLOAD_KEYS)
    kind = fields.string(entry.get("type"), "type")
    if kind not in PAYLOAD_TYPES:
        raise InvalidInput("type", f"is one of {', '.join(PAYLOAD_TYPES)}")
    return Payload(kind, fields.scalar(entry.get("value"), "value"))


def _parsed_json(value: str) -> object:
    return json.loads(value, parse_constant=_no_constant)


def _no_constant(word: str) -> object:
    raise ValueError(f"there is no {word} in it")


def _parsed_number(value: str) -> int | float:
    try:
        return int(value)
    except ValueError:
        number = float(value)
    if not isfinite(number):
        raise ValueError("it has no end")
    return number


def _parsed_csv(value: str) -> list[str]:
    return [part.strip() for row in csv.reader([value], skipinitialspace=True) for part in row]


def _override(raw: object) -> Override:
    entry = fields.entry(raw, "overrides", _OVERRIDE_KEYS)
    values = tuple(fields.scalar(each) for each in fields.items(entry, "values"))
    return Override(fields.filled(entry.get("field"), "field"), values)


_PARSERS: dict[str, Callable[[str], object]] = {
    "string": str,
    "json": _parsed_json,
    "number": _parsed_number,
    "csv": _parsed_csv,
}
PAYLOAD_TYPES = tuple(_PARSERS)
