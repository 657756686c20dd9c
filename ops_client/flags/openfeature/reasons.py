"""Why a flag has its value, in OpenFeature's words."""

from openfeature.flag_evaluation import Reason

from ops_client.flags.buckets import USER_ID
from ops_client.flags.evaluate import Decision
from ops_client.flags.explain import Check, Explanation
from ops_client.flags.explain import Reason as Why


def reason(decision: Decision, by_variant: bool) -> Reason:
    """`by_variant`: does the value depend on the variant, and not only on whether the flag is on?

    A share of the contexts is SPLIT, whatever else is asked of them; a flag that no rule lets anybody into is DEFAULT.
    """
    definition, rule = decision.definition, decision.rule
    if definition.everyone is False:
        return Reason.DISABLED
    if definition.everyone is None and rule is None:
        return Reason.DEFAULT
    variants = (rule.variants if rule else ()) or definition.variants
    if (rule and rule.percent < 100) or (by_variant and sum(each.weight > 0 for each in variants) > 1):
        return Reason.SPLIT
    return Reason.TARGETING_MATCH if rule and (rule.constraints or rule.segments) else Reason.STATIC


def lacks_targeting_key(explanation: Explanation) -> bool:
    """Is a flag off for nothing but a missing user: a rule whose percentage is by user, and all else holds?"""
    rules = [check for check in explanation.checks if check.kind == "rule"]
    return explanation.reason is Why.NO_RULE and any(_lacks_user(rule) for rule in rules)


def _lacks_user(rule: Check) -> bool:
    failed = [check.facts for check in rule.checks if not check.holds]
    wanted = {"stickiness": USER_ID, "key": None}
    return len(failed) == 1 and wanted.items() <= failed[0].items() and failed[0]["percent"] != "0"
