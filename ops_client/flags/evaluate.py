"""Who a flag lets in, said here and nowhere else: backend, preview and waffle all ask this.

A definition is made into closures once and asked often. None of them raises, whatever a context holds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ops_client.errors import InvalidInput
from ops_client.flags import conditions
from ops_client.flags.choose import Chooser, chooser
from ops_client.flags.conditions import Condition, Now, SegmentOf, always, never
from ops_client.flags.context import Context, Matcher
from ops_client.flags.prerequisites import Prerequisite, refusals
from ops_client.flags.rules import ALWAYS, FlagDefinition, Problem, Rule, Segment
from ops_client.flags.variants import DISABLED, ON_WITHOUT, Variant
from ops_client.flags.words import Told

# The parent of a flag, or None where it is unknown or archived.
ParentOf = Callable[[str], "CompiledFlag | None"]
# Why the prerequisites of a flag cannot be asked; empty where they can.
RefusalOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule that this version can follow. `lets_in` and `choose` may raise: its flag counts that as no."""

    name: str
    rule: Rule
    conditions: tuple[Condition, ...]
    lets_in: Matcher
    choose: Chooser


@dataclass(frozen=True, slots=True)
class Decision:
    """What a flag gives a context; `rule` is the one that let it in, None where no rule did."""

    definition: FlagDefinition
    variant: Variant
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class CompiledFlag:
    """A flag that is not archived: on if all its gates hold and any of its rules lets the context in."""

    definition: FlagDefinition
    gates: tuple[Condition, ...]
    rules: tuple[CompiledRule, ...]
    choose: Chooser
    is_on: Matcher
    problems: tuple[Problem, ...]

    def variant(self, context: Context) -> Variant:
        """The variant of a context. DISABLED where the flag is off, ON_WITHOUT where it is on and has none."""
        return self.decide(context).variant

    def decide(self, context: Context) -> Decision:
        """The same, with the rule that let the context in. Never raises."""
        if self.definition.everyone is not None:
            return Decision(self.definition, given(self.choose, context) if self.definition.everyone else DISABLED)
        if all(holds(gate.holds, context) for gate in self.gates):
            for rule in self.rules:
                if holds(rule.lets_in, context):
                    return Decision(self.definition, given(rule.choose, context), rule.rule)
        return Decision(self.definition, DISABLED)


def evaluate(
    flag: FlagDefinition,
    context: Context,
    now: datetime,
    segments: Mapping[str, Segment] | None = None,
    default: bool = False,
    parents: Mapping[str, FlagDefinition] | None = None,
) -> bool:
    """Is the flag on for this context at this time? An archived flag answers the default.

    `parents` are the flags that it depends on, and those that they depend on.
    """
    if flag.archived:
        return default
    return compile_one(flag, now, segments or {}, parents or {}).is_on(context)


def compile_one(
    flag: FlagDefinition, now: datetime, segments: Mapping[str, Segment], parents: Mapping[str, FlagDefinition]
) -> CompiledFlag:
    """One flag at one moment, for who does not hold a snapshot of them all."""
    known = {**parents, flag.name: flag}
    refused = refusals(parents_by_flag(known.values()))
    segment = conditions.segments_by_name(segments, lambda: now)

    def parent(name: str) -> CompiledFlag | None:
        found = known.get(name)
        if found is None or found.archived:
            return None
        return compile_flag(found, lambda: now, segment, parent, lambda child: refused.get(child, ""))

    return compile_flag(flag, lambda: now, segment, parent, lambda child: refused.get(child, ""))


def parents_by_flag(flags: Iterable[FlagDefinition]) -> dict[str, list[str]]:
    """Which flags each of them depends on, for those that do."""
    return {flag.name: [each.flag for each in flag.prerequisites] for flag in flags if flag.prerequisites}


def compile_flag(
    flag: FlagDefinition, now: Now, segment: SegmentOf, parent: ParentOf, refusal: RefusalOf
) -> CompiledFlag:
    """The closures of one flag, and what of it is off because this version cannot follow it."""
    choose = chooser(flag.name, flag.variants)
    rules: list[CompiledRule] = []
    problems = list(flag.problems)
    for number, rule in enumerate(flag.rules, 1):
        name = rule.name or f"rule {number}"
        try:
            asked = conditions.conditions_of(flag.name, rule, now, segment)
        except InvalidInput as error:
            problems.append(Problem(flag.name, name, error.message))
            continue
        own = chooser(rule.group or flag.name, rule.variants) if rule.variants else choose
        rules.append(CompiledRule(name, rule, asked, conditions.all_of([each.holds for each in asked]), own))
    refused = refusal(flag.name) if flag.prerequisites else ""
    if refused:
        problems.append(Problem(flag.name, "prerequisites", refused))
    gates = _gates(flag, now, parent, refused)
    return CompiledFlag(flag, gates, tuple(rules), choose, _is_on(flag, gates, rules), tuple(problems))


def holds(matcher: Matcher, context: Context) -> bool:
    """A condition that trips over what a context holds is a no."""
    try:
        return matcher(context)
    except Exception:  # noqa: BLE001 - a context may hold anything
        return False


def given(choose: Chooser, context: Context) -> Variant:
    """The variant of a flag that is on."""
    try:
        return choose(context) or ON_WITHOUT
    except Exception:  # noqa: BLE001 - a context may hold anything
        return ON_WITHOUT


def _gates(flag: FlagDefinition, now: Now, parent: ParentOf, refused: str) -> tuple[Condition, ...]:
    """What must hold before any rule is asked: nothing, for most flags."""
    gates = [] if flag.understood else [_refusal("what it depends on, or its schedule, cannot be read by this version")]
    if flag.schedule != ALWAYS:
        gates.append(conditions.schedule_condition(flag.schedule, now))
    if refused:
        return (*gates, _refusal(refused))
    return (*gates, *(_prerequisite_condition(each, parent) for each in flag.prerequisites))


def _prerequisite_condition(asked: Prerequisite, parent: ParentOf) -> Condition:
    def met(context: Context) -> bool:
        flag = parent(asked.flag)
        if asked.variants:
            found = DISABLED if flag is None else flag.variant(context)
            return found.feature_enabled and found.name in asked.variants
        return (flag is not None and flag.is_on(context)) is asked.on

    def tell(_: Context, answer: bool) -> Told:
        found = "it is" if answer else "it is not"
        return Told(f"flag {asked.flag} must be {state}: {found}", {"flag": asked.flag, "state": state})

    state = f"on, as {' or '.join(asked.variants)}" if asked.variants else "on" if asked.on else "off"
    return Condition("prerequisite", asked.flag, met, tell)


def _refusal(sentence: str) -> Condition:
    told = Told(sentence)
    return Condition("refusal", "refusal", never, lambda *_: told)


def _is_on(flag: FlagDefinition, gates: tuple[Condition, ...], rules: list[CompiledRule]) -> Matcher:
    if flag.everyone is not None:
        return always if flag.everyone else never
    if not rules:
        return never
    matchers = tuple(rule.lets_in for rule in rules)
    closed = tuple(gate.holds for gate in gates)

    def is_on(context: Context) -> bool:
        for matcher in matchers:
            try:
                if matcher(context):
                    return True
            except Exception:  # noqa: BLE001, S112 - a context may hold anything; a rule that trips is off
                continue
        return False

    if not closed:
        return is_on
    return lambda context: all(holds(gate, context) for gate in closed) and is_on(context)
