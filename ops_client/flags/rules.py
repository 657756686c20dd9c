"""What a flag says, as values. Reads rows and JSON; decides nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ops_client.errors import InvalidInput

NORMALISER = "murmur3_10000"
RANDOM = "random"

_RULE_KEYS = frozenset({"name", "constraints", "segments", "percent", "stickiness", "group", "normaliser"})
_CONSTRAINT_KEYS = frozenset({"field", "operator", "values", "inverted", "case_insensitive"})


@dataclass(frozen=True, slots=True)
class Constraint:
    """One test of one context field. `inverted` turns the answer round, for a missing field too."""

    field: str
    operator: str
    values: tuple[str, ...] = ()
    inverted: bool = False
    case_insensitive: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A named set of constraints that many flags share."""

    name: str
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Lets a context in when all constraints and segments hold and its bucket is below `percent` (0..100).

    `group` None means the flag's own name; two flags with one group ramp up over the same users.
    """

    name: str = ""
    constraints: tuple[Constraint, ...] = ()
    segments: tuple[str, ...] = ()
    percent: Decimal = Decimal(100)
    stickiness: str = "user_id"
    group: str | None = None
    normaliser: str = NORMALISER


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that this version cannot follow; it is off, and the flag's other rules still decide."""

    flag: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class FlagDefinition:
    """`everyone` True or False settles it; None leaves it to the rules, any of which may let a context in."""

    name: str
    everyone: bool | None = None
    rules: tuple[Rule, ...] = ()
    archived: bool = False
    version: int = 0
    problems: tuple[Problem, ...] = ()


def definition_from_row(row: Mapping[str, object]) -> FlagDefinition:
    """Read a row of the view of flags, or the same row out of a snapshot file.

    A rule that cannot be read is left out and told in `problems`. Raises InvalidInput where there is no name.
    """
    name = row.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidInput("name", "a flag needs a name")
    rules: list[Rule] = []
    problems: list[Problem] = []
    for label, raw in _raw_rules(name, row):
        try:
            rules.append(rule_from_json(raw))
        except InvalidInput as error:
            problems.append(Problem(name, label, error.message))
    everyone = row.get("everyone")
    version = row.get("version")
    return FlagDefinition(
        name=name,
        everyone=everyone if isinstance(everyone, bool) else None,
        rules=tuple(rules),
        archived=row.get("archived") is True,
        version=version if isinstance(version, int) else 0,
        problems=tuple(problems),
    )


def segment_from_row(row: Mapping[str, object]) -> Segment:
    """Read a row of the view of segments. Raises InvalidInput: one half understood would let in the wrong people."""
    constraints = tuple(constraint_from_json(each) for each in _list(row, "constraints"))
    return Segment(_string(row.get("name"), "name"), constraints)


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
    entry = _entry(raw, "rule", _RULE_KEYS)
    group = entry.get("group")
    return Rule(
        name=_string(entry.get("name", ""), "name"),
        constraints=tuple(constraint_from_json(each) for each in _list(entry, "constraints")),
        segments=tuple(_string(each, "segments") for each in _list(entry, "segments")),
        percent=percent_from(entry.get("percent", 100)),
        stickiness=_string(entry.get("stickiness", "user_id"), "stickiness"),
        group=None if group is None else _string(group, "group"),
        normaliser=_string(entry.get("normaliser", NORMALISER), "normaliser"),
    )


def constraint_from_json(raw: object) -> Constraint:
    """Read one constraint. Raises InvalidInput, naming the field, for anything that is not understood."""
    entry = _entry(raw, "constraint", _CONSTRAINT_KEYS)
    field = _string(entry.get("field"), "field")
    if not field:
        raise InvalidInput("field", "a constraint names the context field that it tests")
    return Constraint(
        field=field,
        operator=_string(entry.get("operator"), "operator"),
        values=tuple(_scalar(each) for each in _list(entry, "values")),
        inverted=_boolean(entry.get("inverted", False), "inverted"),
        case_insensitive=_boolean(entry.get("case_insensitive", False), "case_insensitive"),
    )


def percent_from(value: object) -> Decimal:
    """A percentage as an exact number. Raises InvalidInput outside 0..100."""
    if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool):
        try:
            percent = Decimal(str(value))
        except InvalidOperation:
            percent = Decimal("NaN")
        if percent.is_finite() and 0 <= percent <= 100:
            return percent
    raise InvalidInput("percent", "a percentage is a number from 0 to 100")


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


def _entry(raw: object, what: str, known: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(raw, dict):
        raise InvalidInput(what, "is an object with named fields")
    if not raw.keys() <= known:
        unknown = ", ".join(sorted(str(key) for key in raw.keys() - known))
        raise InvalidInput(what, f"this version does not know {unknown}")
    return raw


def _list(entry: Mapping[str, object], field: str) -> list[object]:
    value = entry.get(field) or []
    if not isinstance(value, list | tuple):
        raise InvalidInput(field, "is a list")
    return list(value)


def _string(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(field, "is text")
    return value


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float | Decimal):
        raise InvalidInput("values", "are texts or numbers")
    return str(value)


def _boolean(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(field, "is true or false")
    return value
