"""The conditions that a flag is made of: each answers about a context, and can say what it asked.

A condition becomes a closure, and asking is calling it.
"""

import random
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from math import ceil, floor

from ops_client.errors import InvalidInput
from ops_client.flags import buckets, words
from ops_client.flags.context import CURRENT_TIME, HOSTNAME, Context, Matcher, text
from ops_client.flags.operators import TextTest, text_test
from ops_client.flags.rules import NORMALISER, UNLEASH_NORMALISER, Constraint, Rule, Schedule, Segment
from ops_client.flags.words import Told

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Condition:
    """One question. `tell` is given the context and the answer; `parts` are the questions that this one consists of."""

    kind: str
    name: str
    holds: Matcher
    tell: Callable[[Context, bool], Told]
    parts: tuple["Condition", ...] = ()


# Raises InvalidInput for a segment that is not there.
SegmentOf = Callable[[str], Condition]


def always(_: Context) -> bool:
    return True


def never(_: Context) -> bool:
    return False


def all_of(matchers: Collection[Matcher]) -> Matcher:
    """Do all hold? What always holds costs nothing."""
    match [each for each in matchers if each is not always]:
        case []:
            return always
        case [only]:
            return only
        case [first, second]:
            return lambda context: first(context) and second(context)
        case asked:
            tests = tuple(asked)
            return lambda context: all(test(context) for test in tests)


def conditions_of(flag_name: str, rule: Rule, now: Now, segment: SegmentOf) -> tuple[Condition, ...]:
    """What a rule asks, all of which must hold. Raises InvalidInput where this version cannot follow it."""
    asked = [constraint_condition(constraint, now) for constraint in rule.constraints]
    asked += [segment(name) for name in rule.segments]
    return (*asked, rollout_condition(flag_name, rule))


def constraint_condition(constraint: Constraint, now: Now) -> Condition:
    """One constraint. A field that is missing holds for nothing, unless inverted."""
    return Condition(
        "constraint",
        constraint.field,
        constraint_matcher(constraint, now),
        lambda context, _: words.told_constraint(constraint, context),
    )


def segments_by_name(segments: Mapping[str, Segment], now: Now) -> SegmentOf:
    """All constraints of a segment as one condition, made once. Raises InvalidInput where it is gone."""

    @cache
    def segment(name: str) -> Condition:
        if name not in segments:
            raise InvalidInput("segments", f"there is no segment named {name!r}")
        parts = tuple(constraint_condition(constraint, now) for constraint in segments[name].constraints)
        told = Told(f"segment {name}", {"segment": name})
        return Condition("segment", name, all_of([part.holds for part in parts]), lambda *_: told, parts)

    return segment


def schedule_condition(schedule: Schedule, now: Now) -> Condition:
    """Is it time?"""
    on_at, off_at = schedule.on_at, schedule.off_at

    def holds(_: Context) -> bool:
        moment = now()
        return (on_at is None or moment >= on_at) and (off_at is None or moment < off_at)

    return Condition("schedule", "schedule", holds, lambda *_: words.told_schedule(schedule))


def constraint_matcher(constraint: Constraint, now: Now) -> Matcher:
    """The closure of one constraint. It may raise: its flag counts that as no. Raises InvalidInput."""
    test = text_test(constraint)
    holds = _field_matcher(constraint.field, test)
    if constraint.field == CURRENT_TIME:
        holds = _else(holds, constraint.field, lambda: test(now().isoformat()))
    elif constraint.field == HOSTNAME:
        holds = _else(holds, constraint.field, lambda: test(host_name()))
    if constraint.inverted is not (constraint.operator == "NOT_IN"):
        return lambda context: not holds(context)
    return holds


def rollout_condition(flag_name: str, rule: Rule) -> Condition:
    """What a rule's percentage asks. Raises InvalidInput for a normaliser that this version does not know."""
    group = rule.group or flag_name
    if rule.normaliser == NORMALISER:
        return _own_rollout(rule, group)
    if rule.normaliser == UNLEASH_NORMALISER:
        return _unleash_rollout(rule, group)
    raise InvalidInput("normaliser", f"this version does not know {rule.normaliser!r}")


@cache
def host_name() -> str:
    """This host's name, for contexts that name none."""
    return socket.gethostname()


def _own_rollout(rule: Rule, group: str) -> Condition:
    """Nothing is asked at 100, so that a missing key never turns a full rollout off."""
    threshold = ceil(rule.percent * Decimal(buckets.BUCKETS) / 100)
    if threshold >= buckets.BUCKETS:
        return Condition("percentage", rule.stickiness, always, lambda *_: words.told_everybody(rule))
    place = partial(buckets.bucket, group)
    tell = partial(_told_rollout, rule, buckets.BUCKETS, threshold, place)
    if buckets.may_be_random(rule.stickiness):
        within = _within_or_chance(rule.stickiness, lambda key: place(key) < threshold, threshold / buckets.BUCKETS)
    else:
        within = _within(rule.stickiness, group, threshold)
    return Condition("percentage", rule.stickiness, within, tell)


def _unleash_rollout(rule: Rule, group: str) -> Condition:
    """Unleash's: buckets of 1 %, counted from 1; a missing key is out at 100 % too."""
    threshold = floor(rule.percent)
    place = partial(buckets.unleash_bucket, group)
    chance = threshold / buckets.UNLEASH_BUCKETS if buckets.may_be_random(rule.stickiness) else 0.0
    within = _within_or_chance(rule.stickiness, lambda key: place(key) <= threshold, chance)
    tell = partial(_told_rollout, rule, buckets.UNLEASH_BUCKETS, threshold + 1, place)
    return Condition("percentage", rule.stickiness, within, tell)


def _told_rollout(
    rule: Rule, count: int, threshold: int, place: Callable[[str], int], context: Context, _: bool
) -> Told:
    key = buckets.key_of(rule.stickiness)(context)
    if key:
        return words.told_bucket(rule, words.shown(key), place(key), threshold, count)
    return words.told_chance(rule) if buckets.may_be_random(rule.stickiness) else words.told_without_key(rule)


def _within_or_chance(stickiness: str, reached: Callable[[str], bool], chance: float) -> Matcher:
    """By key; a context without one is let in by chance."""
    key_of = buckets.key_of(stickiness)

    def within(context: Context) -> bool:
        key = key_of(context)
        return reached(key) if key else random.random() < chance  # noqa: S311

    return within


def _within(field: str, group: str, threshold: int) -> Matcher:
    """By key alone, written out, since this is most of what a check costs."""
    bucket = buckets.bucket

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


def _else(holds: Matcher, field: str, absent: Callable[[], bool]) -> Matcher:
    return lambda context: holds(context) if context.get(field) is not None else absent()


def _any_value(value: object, test: TextTest) -> bool:
    """A field with several values (groups, flags under test) holds when one of them does."""
    if isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
        return any(test(text(each)) for each in value)
    return test(text(value))
