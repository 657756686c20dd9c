"""What variants may hold: names, weights, payloads that can be read, and overrides."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from ops_console.errors import InvalidInput

LONGEST_NAME = 100
MOST_WEIGHT = 1_000
PAYLOAD_TYPES = ("string", "json", "number", "csv")
_KEYS = {"name", "weight", "payload", "stickiness"}


def check_variants(field: str, label: str, variants: Any, overridable: bool = True) -> None:
    """Raise InvalidInput of `field` for variants that cannot be; `label` says whose they are ("rule 2, ")."""
    if not isinstance(variants, list):
        raise InvalidInput(field, f"{label}variants: is a list.")
    known = _KEYS | {"overrides"} if overridable else _KEYS
    for number, variant in enumerate(variants, 1):
        if said := _wrong(variant, known):
            raise InvalidInput(field, f"{label}variant {number}: {said}")
    names = [variant["name"] for variant in variants]
    if len(set(names)) < len(names):
        raise InvalidInput(field, f"{label}variants: two have one name; give each its own.")
    if variants and not any(variant["weight"] for variant in variants):
        raise InvalidInput(field, f"{label}variants: all weights are 0; give at least one more.")


def _wrong(variant: Any, known: set[str]) -> str:
    if not isinstance(variant, dict):
        return "is an object with name and weight."
    if unknown := variant.keys() - known:
        return f"{', '.join(sorted(unknown))}: is not known; there are {', '.join(sorted(known))}."
    if not _is_text(variant.get("name")) or len(variant["name"]) > LONGEST_NAME:
        return f"name: is a text of 1 to {LONGEST_NAME} characters."
    if not _is_weight(variant.get("weight")):
        return f"weight: is a whole number from 0 to {MOST_WEIGHT:,}."
    if not _is_text(variant.get("stickiness", "default")):
        return "stickiness: names a field of the context, or is default or random."
    return _wrong_payload(variant.get("payload")) or _wrong_overrides(variant.get("overrides", []))


def _wrong_payload(payload: Any) -> str:
    if payload is None:
        return ""
    if not isinstance(payload, dict) or payload.keys() != {"type", "value"} or not isinstance(payload["value"], str):
        return 'payload: is {"type": ..., "value": text}.'
    if payload["type"] not in PAYLOAD_TYPES:
        return f"payload: type is one of {', '.join(PAYLOAD_TYPES)}."
    if payload["type"] == "json":
        return _wrong_json(payload["value"])
    if payload["type"] == "number" and not _is_number(payload["value"]):
        return f"payload: {payload['value'][:40]!r} is no number such as 12.5."
    return ""


def _wrong_json(value: str) -> str:
    try:
        json.loads(value)
    except (ValueError, RecursionError) as error:
        return f"payload: is no JSON: {error}."
    return ""


def _wrong_overrides(overrides: Any) -> str:
    if not isinstance(overrides, list) or not all(map(_is_override, overrides)):
        return 'overrides: are [{"field": "user_id", "values": ["17"]}].'
    return ""


def _is_override(override: Any) -> bool:
    if not isinstance(override, dict) or override.keys() != {"field", "values"} or not _is_text(override["field"]):
        return False
    values = override["values"]
    return isinstance(values, list) and bool(values) and all(map(_is_text, values))


def _is_weight(weight: Any) -> bool:
    return isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= MOST_WEIGHT


def _is_number(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
