"""What a flag or a segment may hold. Everything here raises InvalidInput: the field, and what would be right."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import DecimalField
from django.utils import timezone

from flags.models import Flag, Segment
from flags.prerequisites import check_prerequisites
from flags.variant_validation import check_variants
from ops_client.errors import OpsError
from ops_client.flags.conditions import conditions_of, segments_by_name
from ops_client.flags.operators import text_test
from ops_client.flags.rules import Rule, constraint_from_json, rule_from_json, segments_from_rows
from ops_client.flags.rules import Segment as ClientSegment
from ops_client.text import is_storable, name_problem
from ops_console.errors import InvalidInput

LONGEST_NAME = 100
LISTS = ("rules", "variants", "prerequisites", "tags")
MOST_TAGS = 20
LONGEST_TAG = 40


def check(flag: Flag, changed: Collection[str] | None = None) -> None:
    """The model's own limits, and what the evaluator can follow; of the `changed` fields alone where they are named.

    So a flag that somebody broke with SQL can still be turned off.
    """
    fields = [field for field in flag._meta.concrete_fields if changed is None or field.name in changed]
    for field in fields:
        _check_value(flag, field)
    _clean_fields(flag, {field.name for field in fields})
    for names, asked in _CHECKS:
        if names & {field.name for field in fields}:
            asked(flag)


def check_name(name: str, what: str = "flag") -> str:
    """A name without the blanks around it."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput("name", f"A {what} needs a name of 1 to {LONGEST_NAME} characters.")
    if problem := name_problem(name):
        raise InvalidInput("name", f"This name {problem}.")
    return name


def check_segment(segment: Segment) -> None:
    """A note that is text, and constraints that the evaluator can read and follow."""
    for field, kind, said in (("note", str, "text"), ("constraints", list, "a list")):
        value = getattr(segment, field)
        if not isinstance(value, kind):
            raise InvalidInput(field, f"{field}: is {said}.")
        if not is_storable(value):
            raise InvalidInput(field, f"{field}: holds a character that cannot be stored.")
    _check_constraints("constraints", "", segment.constraints)


def _check_value(flag: Flag, field: Any) -> None:
    """Nothing where a value is needed, and text that PostgreSQL cannot keep, are refused before they reach it."""
    name, value = field.name, getattr(flag, field.name)
    if value == "" and field.null:
        setattr(flag, name, None)
    elif value is None and not field.null and not field.primary_key:
        raise InvalidInput(name, f"{name}: has to have a value; leave it out to keep what it is.")
    elif name in LISTS and not isinstance(value, list):
        raise InvalidInput(name, f"{name}: is a list.")
    elif isinstance(value, float) and isinstance(field, DecimalField):
        # JSON's 0.1 is meant as it is written; Django would take the binary fraction, which has more decimals.
        setattr(flag, name, Decimal(str(value)))
    if not is_storable(value):
        raise InvalidInput(name, f"{name}: holds a character that cannot be stored.")


def _clean_fields(flag: Flag, names: Collection[str]) -> None:
    try:
        flag.clean_fields({field.name for field in flag._meta.fields} - set(names))
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(field, f"{field}: {messages[0]}") from error


def _check_rules(flag: Flag) -> None:
    known = _segments_named_by(flag.rules)
    for number, raw in enumerate(flag.rules, 1):
        label = f"rule {number}"
        rule = _read_rule(label, raw)
        _check_constraints("rules", f"{label}, ", raw.get("constraints") or [])
        _check_followed(flag.name, label, rule, known)
        check_variants("rules", f"{label}, ", raw.get("variants") or [], overridable=False)


def _read_rule(label: str, raw: Any) -> Rule:
    try:
        return rule_from_json(raw)
    except OpsError as error:
        raise InvalidInput("rules", f"{label}: {error.message}") from error


def _check_constraints(field: str, label: str, constraints: Iterable[Any]) -> None:
    for number, raw in enumerate(constraints, 1):
        try:
            text_test(constraint_from_json(raw))
        except OpsError as error:
            raise InvalidInput(field, f"{label}constraint {number}: {error.message}") from error


def _check_followed(name: str, label: str, rule: Rule, known: Mapping[str, ClientSegment]) -> None:
    try:
        conditions_of(name, rule, timezone.now, segments_by_name(known, timezone.now))
    except OpsError as error:
        raise InvalidInput("rules", f"{label}: {error.message}") from error


def _segments_named_by(rules: list[Any]) -> dict[str, ClientSegment]:
    named = {name for rule in rules if isinstance(rule, dict) for name in _texts(rule.get("segments"))}
    rows = Segment.objects.filter(name__in=named).values("name", "constraints") if named else []
    return {segment.name: segment for segment in segments_from_rows(rows)}


def _check_flag_variants(flag: Flag) -> None:
    check_variants("variants", "", flag.variants)


def _check_schedule(flag: Flag) -> None:
    for field in ("on_at", "off_at", "expires_at"):
        moment = getattr(flag, field)
        if isinstance(moment, datetime) and timezone.is_naive(moment):
            raise InvalidInput(field, f"{field}: names no time zone; write it as 2026-12-24T18:00:00Z.")
    if flag.on_at and flag.off_at and flag.on_at >= flag.off_at:
        raise InvalidInput("off_at", "off_at: lies before on_at; the flag would never be on. Give a later moment.")


def _check_tags(flag: Flag) -> None:
    fine = [tag for tag in flag.tags if isinstance(tag, str) and 1 <= len(tag.strip()) <= LONGEST_TAG]
    if len(fine) < len(flag.tags) or len(fine) > MOST_TAGS:
        raise InvalidInput("tags", f"tags: are at most {MOST_TAGS} texts of 1 to {LONGEST_TAG} characters each.")
    for tag in fine:
        if problem := name_problem(tag):
            raise InvalidInput("tags", f"tags: {tag!a} {problem}.")


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


_CHECKS = (
    ({"rules"}, _check_rules),
    ({"variants"}, _check_flag_variants),
    ({"prerequisites"}, check_prerequisites),
    ({"on_at", "off_at", "expires_at"}, _check_schedule),
    ({"tags"}, _check_tags),
)
