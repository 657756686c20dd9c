"""Variants: what a flag says of them (weights, overrides, payload), and the one that a caller is given."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ops_client.errors import InvalidInput
from ops_client.flags import fields
from ops_client.flags.buckets import DEFAULT

PAYLOAD_TYPES = ("string", "json", "number", "csv")
HEAVIEST = 1000

_VARIANT_KEYS = frozenset({"name", "weight", "payload", "stickiness", "overrides"})
_PAYLOAD_KEYS = frozenset({"type", "value"})
_OVERRIDE_KEYS = frozenset({"field", "values"})


@dataclass(frozen=True, slots=True)
class Payload:
    """What a variant carries, as it was written; `type` is one of `string`, `json`, `number`, `csv`."""

    type: str
    value: str

    def parsed(self) -> object:
        """The value as its type has it: text, anything of JSON, a number, a list of texts. Raises InvalidInput."""
        if self.type == "csv":
            return [part.strip() for row in csv.reader([self.value]) for part in row]
        if self.type not in {"json", "number"}:
            return self.value
        try:
            value: object = json.loads(self.value, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidInput("payload", f"is not {self.type}: {error}") from error
        if self.type == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InvalidInput("payload", f"is not a number: {self.value!r}")
        return value


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


def _no_constant(word: str) -> object:
    raise ValueError(f"JSON knows no {word}")


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


def _override(raw: object) -> Override:
    entry = fields.entry(raw, "overrides", _OVERRIDE_KEYS)
    values = tuple(fields.scalar(each) for each in fields.items(entry, "values"))
    return Override(fields.filled(entry.get("field"), "field"), values)
