"""Unleash's variants in our words, those of a feature and those of a strategy."""

from ops_client.errors import InvalidInput
from ops_client.flags.buckets import DEFAULT
from ops_client.flags.unleash import names
from ops_client.flags.unleash.document import Entry, entry, items, written
from ops_client.flags.variants import variants_from_json

Variant = dict[str, object]


def feature_variants(feature: Entry) -> list[Variant]:
    """The variants of a feature, each with its own stickiness and overrides. Raises InvalidInput."""
    return _checked([_feature_variant(entry(each, "variants")) for each in items(feature, "variants", "variants")])


def strategy_variants(strategy: Entry, stickiness: str) -> list[Variant]:
    """The variants of a strategy, which stick to what the strategy does. Raises InvalidInput."""
    given = [entry(each, "variants") for each in items(strategy, "variants", "variants")]
    return _checked([_variant(each, stickiness) for each in given])


def _feature_variant(of: Entry) -> Variant:
    overrides = [_override(entry(each, "overrides")) for each in items(of, "overrides", "overrides")]
    return _variant(of, of.get("stickiness")) | written({"overrides": [each for each in overrides if each["values"]]})


def _variant(of: Entry, stickiness: object) -> Variant:
    by = names.stickiness(stickiness) if isinstance(stickiness, str) and stickiness else DEFAULT
    parts = written({"payload": of.get("payload"), "stickiness": by}, stickiness=DEFAULT)
    return {"name": of.get("name"), "weight": of.get("weight", 0), **parts}


def _override(of: Entry) -> Variant:
    name = of.get("contextName")
    if not isinstance(name, str):
        raise InvalidInput("contextName", "is text")
    return {"field": names.field(name), "values": items(of, "values", "values")}


def _checked(made: list[Variant]) -> list[Variant]:
    """The same; none where no weight lets any of them be given."""
    read = variants_from_json({"variants": made})
    return made if any(each.weight or each.overrides for each in read) else []
