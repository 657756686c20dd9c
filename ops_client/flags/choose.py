"""Which of a flag's variants a context is given: by override, else by weight and sticky key."""

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate

from ops_client.flags import buckets
from ops_client.flags.context import Context, text
from ops_client.flags.variants import Override, Variant, VariantDefinition

Chooser = Callable[[Context], Variant | None]


def chooser(group: str, definitions: Sequence[VariantDefinition]) -> Chooser:
    """The closure of some variants; it gives None where there are none, or none with a weight. It may raise."""
    if not definitions:
        return _none
    answers = [Variant(each.name, True, each.payload, True) for each in definitions]
    overrides = [
        (answer, override)
        for answer, definition in zip(answers, definitions, strict=True)
        for override in definition.overrides
    ]
    by_weight = _by_weight(group, definitions, answers)
    if not overrides:
        return by_weight

    def choose(context: Context) -> Variant | None:
        for answer, override in overrides:
            if is_overridden(override, context):
                return answer
        return by_weight(context)

    return choose


def _by_weight(group: str, definitions: Sequence[VariantDefinition], answers: Sequence[Variant]) -> Chooser:
    ends = list(accumulate(each.weight for each in definitions))
    total = ends[-1]
    if total == 0:
        return _none
    key_of = buckets.key_of(definitions[0].stickiness)

    def choose(context: Context) -> Variant:
        key = key_of(context)
        place = buckets.digest(group, key, buckets.VARIANT_SEED) % total if key else random.randrange(total)  # noqa: S311
        return answers[bisect_left(ends, place + 1)]

    return choose


def is_overridden(override: Override, context: Context) -> bool:
    """Does the override hold for this context? It may raise, whatever the context holds."""
    value = context.get(override.field)
    return value is not None and text(value) in override.values


def _none(_: Context) -> None:
    return None
