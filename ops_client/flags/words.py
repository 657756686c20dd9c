"""Conditions, and the contexts they were evaluated for, described in sentences."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ops_client.flags.context import Context, text
from ops_client.flags.rules import Constraint, Rule, Schedule

SHOWN_VALUES = 5
SHOWN_CHARACTERS = 200

PHRASES = {
    "IN": "is one of",
    "NOT_IN": "is none of",
    "STR_STARTS_WITH": "starts with",
    "STR_ENDS_WITH": "ends with",
    "STR_CONTAINS": "contains",
    "REGEX": "matches",
    "CIDR": "lies in",
    "DATE_AFTER": "is after",
    "DATE_BEFORE": "is before",
    "NUM_EQ": "is the number",
    "NUM_GT": "is above",
    "NUM_GTE": "is at least",
    "NUM_LT": "is below",
    "NUM_LTE": "is at most",
    "SEMVER_EQ": "is version",
    "SEMVER_GT": "is after version",
    "SEMVER_GTE": "is at least version",
    "SEMVER_LT": "is before version",
    "SEMVER_LTE": "is at most version",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, and what a program wants of it: bucket, threshold, value."""

    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)


def constraint_in_words(constraint: Constraint) -> str:
    """`tier is one of creator, pro`."""
    phrase = PHRASES.get(constraint.operator, constraint.operator)
    said = f"{constraint.field} {phrase} {several(constraint.values)}"
    said += ", in whatever case" if constraint.case_insensitive else ""
    said += ", strict format" if constraint.strict else ""
    return f"not ({said})" if constraint.inverted else said


def told_constraint(constraint: Constraint, context: Context) -> Told:
    """The constraint, and the value that was compared."""
    value = context.get(constraint.field)
    facts = {
        "field": constraint.field,
        "operator": constraint.operator,
        "value": None if value is None else shown(value),
    }
    found = f"the context has no {constraint.field}" if value is None else f"it is {shown(value)}"
    return Told(f"{constraint_in_words(constraint)}: {found}", facts)


def told_bucket(rule: Rule, key: str, bucket: int, threshold: int, buckets: int) -> Told:
    """Where the context's key stands, and how far the percentage reaches. Buckets from 0 for ours."""
    facts = {
        "stickiness": rule.stickiness,
        "key": key,
        "bucket": bucket,
        "threshold": threshold,
        "buckets": buckets,
        "percent": percent(rule.percent),
    }
    place = f"{rule.stickiness} {key} stands in bucket {bucket:,} of {buckets:,}"
    return Told(f"{place}; {percent(rule.percent)} % reaches those below {threshold:,}", facts)


def told_chance(rule: Rule) -> Told:
    """A percentage that no key decides."""
    facts = {"key": None, "percent": percent(rule.percent)}
    return Told(f"{percent(rule.percent)} % of all questions, by chance", facts)


def told_without_key(rule: Rule) -> Told:
    facts = {"stickiness": rule.stickiness, "key": None, "percent": percent(rule.percent)}
    return Told(f"{percent(rule.percent)} % by {rule.stickiness}, of which the context has none", facts)


def told_everybody(rule: Rule) -> Told:
    return Told("100 %: everybody, with or without a key", {"percent": percent(rule.percent)})


def told_schedule(schedule: Schedule) -> Told:
    """When the flag may be on."""
    ends = [
        f"{word} {moment:%Y-%m-%d %H:%M:%S %Z}"
        for word, moment in (("from", schedule.on_at), ("until", schedule.off_at))
        if moment is not None
    ]
    return Told(f"on {' '.join(ends)} only")


def several(values: Collection[str]) -> str:
    """The first few, and how many more there are."""
    first = [shown(value) for value in list(values)[:SHOWN_VALUES]]
    more = len(values) - len(first)
    return ", ".join([*first, *([f"{more:,} more"] if more else [])]) or "nothing"


def shown(value: object) -> str:
    """A value of a context for people: never long, and never an error."""
    try:
        if isinstance(value, list | tuple | set | frozenset):
            return several([text(each) for each in value])
        said = text(value)
    except Exception:  # noqa: BLE001 - a context may hold anything
        return "(unreadable)"
    said = said.encode("utf-8", "backslashreplace").decode()
    return said if len(said) <= SHOWN_CHARACTERS else f"{said[:SHOWN_CHARACTERS]}…"


def percent(value: Decimal) -> str:
    """`12.5` rather than `12.50`."""
    return f"{value.normalize():f}"
