"""What variants may hold beyond what a client can read: weights that add up, payloads that fit their type."""

from typing import Any

from ops_client.errors import OpsError
from ops_client.flags.variants import VariantDefinition, variant_from_json
from ops_client.text import name_problem
from ops_console.errors import InvalidInput

LONGEST_NAME = 100


def check_variants(field: str, label: str, variants: Any, overridable: bool = True) -> None:
    """Raise InvalidInput of `field` for variants that cannot be; `label` says whose they are ("rule 2, ")."""
    if not isinstance(variants, list):
        raise InvalidInput(field, f"{label}variants: is a list.")
    read = [_read(field, f"{label}variant {number}", raw, overridable) for number, raw in enumerate(variants, 1)]
    if len({variant.name for variant in read}) < len(read):
        raise InvalidInput(field, f"{label}variants: two have one name; give each its own.")
    if read and not any(variant.weight for variant in read):
        raise InvalidInput(field, f"{label}variants: all weights are 0; give at least one more.")


def _read(field: str, label: str, raw: Any, overridable: bool) -> VariantDefinition:
    try:
        variant = variant_from_json(raw)
        if variant.payload:
            variant.payload.parsed()
    except (OpsError, RecursionError) as error:
        raise InvalidInput(field, f"{label}: {error}.") from error
    if len(variant.name) > LONGEST_NAME or not variant.name.strip():
        raise InvalidInput(field, f"{label}: name: is a text of 1 to {LONGEST_NAME} characters.")
    if problem := name_problem(variant.name):
        raise InvalidInput(field, f"{label}: name: {variant.name!a} {problem}.")
    if any(not override.values or not all(override.values) for override in variant.overrides):
        raise InvalidInput(field, f'{label}: overrides: are [{{"field": "user_id", "values": ["17"]}}].')
    if variant.overrides and not overridable:
        raise InvalidInput(field, f"{label}: overrides: are for a flag's variants; a rule has constraints.")
    return variant
