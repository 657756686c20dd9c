"""What a flag says, as values. Reads rows and JSON; decides nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar

from ops_client.errors import InvalidInput
from ops_client.flags import fields
from ops_client.flags.buckets import USER_ID
from ops_client.flags.prerequisites import Prerequisite, prerequisites_from_json
from ops_client.flags.variants import VariantDefinition, variants_from_json

NORMALISER = "murmur3_10000"
UNLEASH_NORMALISER = "unleash"

T = TypeVar("T")

_RULE_KEYS = frozenset({"name", "constraints", "segments", "percent", "stickiness", "group", "normaliser", "variants"})
_CONSTRAINT_KEYS = frozenset({"field", "operator", "values", "inverted", "case_insensitive", "strict"})


@dataclass(frozen=True, slots=True)
class Constraint:
    """One test of one context field. `inverted` turns the answer round, for a missing field too.

    `strict` reads versions and times in their standard's spelling alone, as Unleash does.
    """

    field: str
    operator: str
    values: tuple[str, ...] = ()
    inverted: bool = False
    case_insensitive: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A named set of constraints that many flags share."""

    name: str
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Lets a context in when all constraints and segments hold and its bucket is below `percent` (0..100).

    `group` None means the flag's own name; two flags with one group ramp up over the same users. The variants of the
    rule that lets a context in come before the flag's.
    """

    name: str = ""
    constraints: tuple[Constraint, ...] = ()
    segments: tuple[str, ...] = ()
    percent: Decimal = Decimal(100)
    stickiness: str = USER_ID
    group: str | None = None
    normaliser: str = NORMALISER
    variants: tuple[VariantDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Off before `on_at`, and from `off_at` on; None sets no end."""

    on_at: datetime | None = None
    off_at: datetime | None = None


ALWAYS = Schedule()


@dataclass(frozen=True, slots=True)
class Problem:
    """What this version cannot follow: `rule` says which part of the flag. It is off; the flag's other rules decide."""

    flag: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class FlagDefinition:
    """`everyone` True or False settles it; None leaves it to schedule, prerequisites and rules.

    `understood` False: a schedule or prerequisite could not be read, and whatever it should keep out is kept out.
    """

    name: str
    everyone: bool | None = None
    rules: tuple[Rule, ...] = ()
    archived: bool = False
    version: int = 0
    variants: tuple[VariantDefinition, ...] = ()
    prerequisites: tuple[Prerequisite, ...] = ()
    schedule: Schedule = ALWAYS
    understood: bool = True
    problems: tuple[Problem, ...] = ()


def definition_from_row(row: Mapping[str, object]) -> FlagDefinition:
    """Read a row of the view of flags, or the same row out of a snapshot file.

    What cannot be read is left out and told in `problems`. Raises InvalidInput where there is no name.
    """
    name = row.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidInput("name", "a flag needs a name")
    problems: list[Problem] = []

    def read(part: str, reader: Callable[[], T]) -> T | None:
        try:
            return reader()
        except InvalidInput as error:
            problems.append(Problem(name, part, error.message))
            return None

    rules = [read(label, partial(_named_rule, label, raw)) for label, raw in _raw_rules(name, row)]
    prerequisites = read("prerequisites", partial(prerequisites_from_json, row))
    schedule = read("schedule", partial(_schedule, row))
    everyone = row.get("everyone")
    version = row.get("version")
    return FlagDefinition(
        name=name,
        everyone=everyone if isinstance(everyone, bool) else None,
        rules=tuple(rule for rule in rules if rule is not None),
        archived=row.get("archived") is True,
        version=version if isinstance(version, int) else 0,
        variants=read("variants", partial(variants_from_json, row)) or (),
        prerequisites=prerequisites or (),
        schedule=schedule or ALWAYS,
        understood=prerequisites is not None and schedule is not None,
        problems=tuple(problems),
    )


def fields_of_flag(flag: FlagDefinition) -> frozenset[str]:
    """The fields of a context that a flag reads, segments apart."""
    variants = [*flag.variants, *(variant for rule in flag.rules for variant in rule.variants)]
    return frozenset(
        [
            *(constraint.field for rule in flag.rules for constraint in rule.constraints),
            *(rule.stickiness for rule in flag.rules),
            *(variant.stickiness for variant in variants),
            *(override.field for variant in variants for override in variant.overrides),
        ]
    )


def fields_of_segments(segments: Iterable[Segment]) -> frozenset[str]:
    """The fields of a context that segments read."""
    return frozenset(constraint.field for segment in segments for constraint in segment.constraints)


def segment_from_row(row: Mapping[str, object]) -> Segment:
    """Read a row of the view of segments. Raises InvalidInput: one half understood would let in the wrong people."""
    constraints = tuple(constraint_from_json(each) for each in fields.items(row, "constraints"))
    return Segment(fields.string(row.get("name"), "name"), constraints)


def segments_from_rows(rows: Iterable[Mapping[str, object]]) -> list[Segment]:
    """The segments that this version understands. A rule that names another one is off, and is told in `problems`."""
    segments = []
    for row in rows:
        with suppress(InvalidInput):
            segments.append(segment_from_row(row))
    return segments


def rule_from_json(raw: object) -> Rule:
    """Read one rule. Raises InvalidInput, naming the field, for anything that is not understood.

    A key that is not known is refused: it may narrow the rule in a newer version, and a rule that is half
    understood would let in people whom nobody meant.
    """
    entry = fields.entry(raw, "rule", _RULE_KEYS)
    group = entry.get("group")
    return Rule(
        name=fields.string(entry.get("name", ""), "name"),
        constraints=tuple(constraint_from_json(each) for each in fields.items(entry, "constraints")),
        segments=tuple(fields.string(each, "segments") for each in fields.items(entry, "segments")),
        percent=fields.percentage(entry.get("percent", 100)),
        stickiness=fields.string(entry.get("stickiness", USER_ID), "stickiness"),
        group=None if group is None else fields.string(group, "group"),
        normaliser=fields.string(entry.get("normaliser", NORMALISER), "normaliser"),
        variants=variants_from_json(entry),
    )


def constraint_from_json(raw: object) -> Constraint:
    """Read one constraint. Raises InvalidInput, naming the field, for anything that is not understood."""
    entry = fields.entry(raw, "constraint", _CONSTRAINT_KEYS)
    field = fields.string(entry.get("field"), "field")
    if not field:
        raise InvalidInput("field", "a constraint names the context field that it tests")
    return Constraint(
        field=field,
        operator=fields.string(entry.get("operator"), "operator"),
        values=tuple(fields.scalar(each) for each in fields.items(entry, "values")),
        inverted=fields.boolean(entry.get("inverted", False), "inverted"),
        case_insensitive=fields.boolean(entry.get("case_insensitive", False), "case_insensitive"),
        strict=fields.boolean(entry.get("strict", False), "strict"),
    )


def _named_rule(label: str, raw: object) -> Rule:
    rule = rule_from_json(raw)
    return rule if rule.name else replace(rule, name=label)


def _schedule(row: Mapping[str, object]) -> Schedule:
    on_at, off_at = (fields.time_or_none(row.get(field), field) for field in ("on_at", "off_at"))
    return Schedule(on_at, off_at)


def _raw_rules(name: str, row: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Every rule of a row with a label for people: django-waffle's audience fields first, then our own."""
    for column, field in (
        ("superusers", "superuser"),
        ("staff", "staff"),
        ("authenticated", "authenticated"),
    ):
        if row.get(column) is True:
            yield column, _audience(column, field, ["true"])
    if row.get("testing") is True:
        yield "testing", _audience("testing", "testing", [name])
    for column, field in (("languages", "language"), ("groups", "groups"), ("users", "user_id")):
        if values := _names(row.get(column)):
            yield column, _audience(column, field, values)
    if row.get("percent") is not None:
        yield "percent", {"name": "percent", "percent": row["percent"]}
    rules = row.get("rules") or []
    if not isinstance(rules, list):
        yield "rules", rules
        return
    for number, raw in enumerate(rules, 1):
        yield f"rule {number}", raw


def _audience(name: str, field: str, values: Sequence[object]) -> dict[str, object]:
    return {"name": name, "constraints": [{"field": field, "operator": "IN", "values": list(values)}]}


def _names(value: object) -> list[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return list(value) if isinstance(value, list | tuple) else []
