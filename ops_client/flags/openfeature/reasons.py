"""Why a flag has its value, in OpenFeature's words."""

from openfeature.flag_evaluation import Reason

from ops_client.flags.buckets import USER_ID
from ops_client.flags.choose import is_overridden
from ops_client.flags.context import Context
from ops_client.flags.evaluate import Decision
from ops_client.flags.explain import Check, Explanation
from ops_client.flags.explain import Reason as Why
from ops_client.flags.rules import ALWAYS, Rule
from ops_client.flags.variants import Override


def reason(decision: Decision, context: Context, by_variant: bool) -> Reason:
    """`by_variant`: does the value depend on the variant, and not only on whether the flag is on?

    STATIC is said only where no context could be answered otherwise. A share of the contexts is SPLIT, whatever else
    is asked of them. Where targeting exists and did not match, the value is the DEFAULT.
    """
    definition, rule = decision.definition, decision.rule
    if definition.everyone is False:
        return Reason.DISABLED
    if definition.everyone is None and rule is None:
        return Reason.DEFAULT
    variants = ((rule.variants if rule else ()) or definition.variants) if by_variant else ()
    overrides = [override for each in variants for override in each.overrides]
    if any(_is_overridden(override, context) for override in overrides):
        return Reason.TARGETING_MATCH
    if (rule and rule.percent < 100) or sum(each.weight > 0 for each in variants) > 1:
        return Reason.SPLIT
    if rule and (_is_targeted(rule) or definition.prerequisites or definition.schedule != ALWAYS):
        return Reason.TARGETING_MATCH
    others = definition.rules if definition.everyone is None else ()
    return Reason.DEFAULT if overrides or any(map(_is_targeted, others)) else Reason.STATIC


def _is_targeted(rule: Rule) -> bool:
    return bool(rule.constraints or rule.segments or rule.percent < 100)


def _is_overridden(override: Override, context: Context) -> bool:
    try:
        return is_overridden(override, context)
    except Exception:  # noqa: BLE001 - a context may hold anything
        return False


def lacks_targeting_key(explanation: Explanation) -> bool:
    """Is a flag off for nothing but a missing user: a rule whose percentage is by user, and all else holds?"""
    rules = [check for check in explanation.checks if check.kind == "rule"]
    return explanation.reason is Why.NO_RULE and any(_lacks_user(rule) for rule in rules)


def _lacks_user(rule: Check) -> bool:
    failed = [check.facts for check in rule.checks if not check.holds]
    wanted = {"stickiness": USER_ID, "key": None}
    return len(failed) == 1 and wanted.items() <= failed[0].items() and failed[0]["percent"] != "0"
