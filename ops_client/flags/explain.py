"""Why a flag answers as it does: the conditions that decide are evaluated one by one, and describe themselves.

There is no second evaluator: these are the closures that `is_enabled` calls, each asked once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from ops_client.flags.conditions import Condition
from ops_client.flags.context import Context
from ops_client.flags.evaluate import CompiledFlag, CompiledRule, given, holds
from ops_client.flags.rules import Problem
from ops_client.flags.variants import DISABLED, ON_WITHOUT, Variant
from ops_client.flags.words import Told


class Reason(StrEnum):
    """What settled the answer, for programs."""

    UNDEFINED = "undefined"
    ARCHIVED = "archived"
    ENVIRONMENT = "environment"
    EVERYONE = "everyone"
    SCHEDULE = "schedule"
    PREREQUISITE = "prerequisite"
    REFUSAL = "refusal"
    RULE = "rule"
    NO_RULE = "no_rule"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was asked, and the answer. `kind`: schedule, prerequisite, rule, constraint, percentage, ..."""

    kind: str
    name: str
    holds: bool
    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)
    checks: tuple["Check", ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer with its reason, as a code and in a sentence, and everything that was asked on the way."""

    flag: str
    answer: bool
    variant: Variant
    reason: Reason
    sentence: str
    checks: tuple[Check, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same for a terminal: the answer, then what was asked, indented."""
        given = f", variant {self.variant.name}" if self.variant.enabled else ""
        head = f"{self.flag} is {'on' if self.answer else 'off'}{given}: {self.sentence}"
        return [head, *_lines(self.checks, 1)]


def explain(flag: CompiledFlag, context: Context) -> Explanation:
    """Why this flag, which is not archived, answers so. Never raises, whatever a context holds."""
    everyone = flag.definition.everyone
    if everyone is not None:
        variant = given(flag.choose, context) if everyone else DISABLED
        return _answer(flag, variant, Reason.EVERYONE, f"it is {'on' if everyone else 'off'} for everyone")
    gates = tuple(_check(gate, context) for gate in flag.gates)
    rules = tuple(_check_rule(rule, context) for rule in flag.rules)
    checks = (*gates, *rules, *(_told_problem(problem) for problem in flag.problems))
    if shut := next((gate for gate in gates if not gate.holds), None):
        return _answer(flag, DISABLED, Reason(shut.kind), shut.sentence, checks)
    for rule, check in zip(flag.rules, rules, strict=True):
        if check.holds:
            return _answer(flag, given(rule.choose, context), Reason.RULE, f"{check.name} lets it in", checks)
    sentence = "none of its rules lets it in" if flag.rules else "it has no rule that lets anybody in"
    return _answer(flag, DISABLED, Reason.NO_RULE, sentence, checks)


def by_default(name: str, answer: bool, reason: Reason) -> Explanation:
    """Why a flag answers that has no definition in force."""
    sentence = {
        Reason.ENVIRONMENT: "no such flag is in force, and the environment of this process answers",
        Reason.ARCHIVED: "it is archived, and the caller's default is answered",
    }.get(reason, "no such flag is defined, and the caller's default is answered")
    return Explanation(name, answer, ON_WITHOUT if answer else DISABLED, reason, sentence)


def _answer(
    flag: CompiledFlag, variant: Variant, reason: Reason, sentence: str, checks: tuple[Check, ...] = ()
) -> Explanation:
    return Explanation(flag.definition.name, variant.feature_enabled, variant, reason, sentence, checks)


def _check_rule(rule: CompiledRule, context: Context) -> Check:
    checks = tuple(_check(condition, context) for condition in rule.conditions)
    lets_in = all(check.holds for check in checks)
    return Check(
        "rule", rule.name, lets_in, f"{rule.name} {'lets it in' if lets_in else 'does not let it in'}", checks=checks
    )


def _check(condition: Condition, context: Context) -> Check:
    """A condition made of others holds when they all do."""
    checks = tuple(_check(part, context) for part in condition.parts)
    answer = all(check.holds for check in checks) if checks else holds(condition.holds, context)
    told = _told(condition, context, answer)
    return Check(condition.kind, condition.name, answer, told.sentence, told.facts, checks)


def _told(condition: Condition, context: Context, answer: bool) -> Told:
    try:
        return condition.tell(context, answer)
    except Exception:  # noqa: BLE001 - a context may hold anything
        return Told(f"{condition.name}: what the context holds cannot be read")


def _told_problem(problem: Problem) -> Check:
    return Check("problem", problem.rule, False, f"{problem.rule} is off: {problem.message}")


def _lines(checks: Iterable[Check], depth: int) -> Iterator[str]:
    for check in checks:
        yield f"{'  ' * depth}{'yes' if check.holds else 'no '} {check.sentence}"
        yield from _lines(check.checks, depth + 1)
