"""Who a flag lets in, said here and nowhere else: backend, preview and waffle all ask this.

A definition becomes a closure, and asking is calling it. A closure never raises, whatever a context holds.
"""

import random
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from math import ceil

import mmh3

from ops_client.errors import InvalidInput
from ops_client.flags.operators import TextTest, text, text_test
from ops_client.flags.rules import NORMALISER, RANDOM, Constraint, FlagDefinition, Problem, Rule, Segment

Context = Mapping[str, object]
Matcher = Callable[[Context], bool]
Now = Callable[[], datetime]

BUCKETS = 10_000
CURRENT_TIME = "current_time"


def evaluate(
    flag: FlagDefinition,
    context: Context,
    now: datetime,
    segments: Mapping[str, Segment] | None = None,
    default: bool = False,
) -> bool:
    """Is the flag on for this context at this time? An archived flag answers the default."""
    if flag.archived:
        return default
    matcher, _ = flag_matcher(flag, lambda: now, segments or {})
    return matcher(context)


def bucket(group: str, key: str) -> int:
    """Where a key stands among 10,000 buckets; fixed for ever, so that a ramp only adds."""
    # Bytes: on text with a lone surrogate, which any JSON can carry, mmh3 crashes the interpreter.
    try:
        data = f"{group}:{key}".encode()
    except UnicodeEncodeError:
        data = f"{group}:{key}".encode("utf-8", "surrogatepass")
    return mmh3.mmh3_32_uintdigest(data) % BUCKETS


def flag_matcher(
    flag: FlagDefinition, now: Now, segments: Mapping[str, Segment]
) -> tuple[Matcher, tuple[Problem, ...]]:
    """The closure of one flag, and the rules that are off because this version cannot follow them."""
    matchers: list[Matcher] = []
    problems = list(flag.problems)
    for number, rule in enumerate(flag.rules, 1):
        try:
            matchers.append(rule_matcher(flag.name, rule, now, segments))
        except InvalidInput as error:
            problems.append(Problem(flag.name, rule.name or f"rule {number}", error.message))
    if flag.everyone is not None:
        return (_always if flag.everyone else _never), tuple(problems)
    return _any(tuple(matchers)), tuple(problems)


def rule_matcher(flag_name: str, rule: Rule, now: Now, segments: Mapping[str, Segment]) -> Matcher:
    """The closure of one rule. It may raise: its flag counts that as no. Raises InvalidInput."""
    constraints = [*rule.constraints]
    for name in rule.segments:
        if name not in segments:
            raise InvalidInput("segments", f"there is no segment named {name!r}")
        constraints += segments[name].constraints
    tests = [constraint_matcher(constraint, now) for constraint in constraints]
    tests += rollout_matchers(flag_name, rule)
    return _all(tuple(tests))


def constraint_matcher(constraint: Constraint, now: Now) -> Matcher:
    """The closure of one constraint. A field that is missing holds for nothing, unless inverted."""
    test = text_test(constraint)
    holds = _field_matcher(constraint.field, test)
    if constraint.field == CURRENT_TIME:
        holds = _time_matcher(holds, test, now)
    if constraint.inverted is not (constraint.operator == "NOT_IN"):
        return lambda context: not holds(context)
    return holds


def rollout_matchers(flag_name: str, rule: Rule) -> list[Matcher]:
    """What a rule's percentage asks; nothing at 100, so that a missing key never turns a full rollout off."""
    if rule.normaliser != NORMALISER:
        raise InvalidInput("normaliser", f"this version does not know {rule.normaliser!r}")
    threshold = ceil(rule.percent * Decimal(BUCKETS) / 100)
    if threshold >= BUCKETS:
        return []
    if rule.stickiness == RANDOM:
        return [lambda _: random.random() * BUCKETS < threshold]  # noqa: S311
    return [_sticky_matcher(rule.stickiness, rule.group or flag_name, threshold)]


def _sticky_matcher(field: str, group: str, threshold: int) -> Matcher:
    def within(context: Context) -> bool:
        key = context.get(field)
        if key.__class__ is not str:
            key = "" if key is None else text(key)
        return key != "" and bucket(group, key) < threshold

    return within


def _field_matcher(field: str, test: TextTest) -> Matcher:
    def holds(context: Context) -> bool:
        value = context.get(field)
        if value.__class__ is str:
            return test(value)
        return value is not None and _any_value(value, test)

    return holds


def _time_matcher(holds: Matcher, test: TextTest, now: Now) -> Matcher:
    def at(context: Context) -> bool:
        return holds(context) if context.get(CURRENT_TIME) is not None else test(now().isoformat())

    return at


def _any_value(value: object, test: TextTest) -> bool:
    """A field with several values (groups, flags under test) holds when one of them does."""
    if isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
        return any(test(text(each)) for each in value)
    return test(text(value))


def _all(tests: tuple[Matcher, ...]) -> Matcher:
    match tests:
        case ():
            return _always
        case (only,):
            return only
        case (first, second):
            return lambda context: first(context) and second(context)
    return lambda context: all(test(context) for test in tests)


def _any(rules: tuple[Matcher, ...]) -> Matcher:
    if not rules:
        return _never

    def lets_in(context: Context) -> bool:
        for rule in rules:
            try:
                if rule(context):
                    return True
            except Exception:  # noqa: BLE001, S112 - a context may hold anything; a rule that trips is off
                continue
        return False

    return lets_in


def _always(_: Context) -> bool:
    return True


def _never(_: Context) -> bool:
    return False
