"""Unleash's activation strategies, each as one of our rules."""

import re
from collections.abc import Callable, Mapping

from ops_client.errors import InvalidInput
from ops_client.flags.buckets import USER_ID
from ops_client.flags.rules import NORMALISER, UNLEASH_NORMALISER, rule_from_json
from ops_client.flags.unleash import names
from ops_client.flags.unleash.constraints import Constraint, among, constraint
from ops_client.flags.unleash.document import Entry, entry, items, written
from ops_client.flags.unleash.variants import strategy_variants

_WHOLE = re.compile(r"\+?[0-9]+")

Parameters = Mapping[str, str]
Rule = dict[str, object]
# Whom a strategy is for: constraints, and how its percentage is drawn.
Audience = tuple[list[Constraint], Rule]


def rule(raw: object, segments: Mapping[int, str]) -> Rule:
    """One strategy as one rule. `segments` names those that may be used.

    Raises InvalidInput, naming the field, where any part of it cannot be followed: the strategy is off.
    """
    strategy = entry(raw, "strategies")
    name = strategy.get("name")
    build = _STRATEGIES.get(name) if isinstance(name, str) else None
    if build is None:
        raise InvalidInput("name", f"Unleash has no strategy of its own that is called {name!r}")
    parameters = _parameters(strategy)
    constraints, share = build(parameters)
    constraints += [constraint(each) for each in items(strategy, "constraints", "constraints")]
    made: Rule = {
        "name": strategy.get("title") or name,
        "constraints": constraints,
        "segments": [_segment(each, segments) for each in items(strategy, "segments", "segments")],
        "percent": 100,
        "group": parameters.get("groupId") or None,
        "normaliser": NORMALISER,
        "variants": strategy_variants(strategy, parameters.get("stickiness", "default")),
        **share,
    }
    made = written(made, percent=100, stickiness=USER_ID, normaliser=NORMALISER)
    rule_from_json(made)
    return made


def label(raw: object, number: int) -> str:
    """What people call a strategy: its title or name, with its place."""
    known = raw if isinstance(raw, Mapping) else {}
    return f"strategy {number} ({known.get('title') or known.get('name') or 'without a name'})"


def everybody() -> Rule:
    """What a feature without strategies has: it is on for everybody while it is enabled."""
    return {"name": "no strategies"}


def _default(_: Parameters) -> Audience:
    return [], {}


def _user_with_id(parameters: Parameters) -> Audience:
    return [{"field": USER_ID, "operator": "IN", "values": _listed(parameters, "userIds")}], {}


def _remote_address(parameters: Parameters) -> Audience:
    return [among({"field": "remote_address", "values": _listed(parameters, "IPs")})], {}


def _application_hostname(parameters: Parameters) -> Audience:
    hosts = _listed({"hostNames": "", **parameters}, "hostNames")
    return [{"field": "hostname", "operator": "IN", "values": hosts, "case_insensitive": True}], {}


def _flexible_rollout(parameters: Parameters) -> Audience:
    group, stickiness = parameters.get("groupId"), parameters.get("stickiness", "default")
    if group == "" or not stickiness:
        raise InvalidInput("groupId" if group == "" else "stickiness", "is empty, and Unleash lets nobody in then")
    return _share(parameters, "rollout", names.stickiness(stickiness))


def _gradual_by(stickiness: str) -> Callable[[Parameters], Audience]:
    def build(parameters: Parameters) -> Audience:
        if not parameters.get("groupId"):
            raise InvalidInput("groupId", "is missing, and Unleash lets nobody in then")
        return _share(parameters, "percentage", stickiness)

    return build


def _gradual_random(parameters: Parameters) -> Audience:
    return _share(parameters, "percentage", "random")


def _share(parameters: Parameters, name: str, stickiness: str) -> Audience:
    value = parameters.get(name, "")
    if not _WHOLE.fullmatch(value) or int(value) > 100:
        raise InvalidInput(name, "is a whole number from 0 to 100, and Unleash lets nobody in for any other")
    return [], {"percent": int(value), "stickiness": stickiness, "normaliser": UNLEASH_NORMALISER}


def _listed(parameters: Parameters, name: str) -> list[object]:
    if name not in parameters:
        raise InvalidInput(name, "is missing, and Unleash lets nobody in then")
    return [each.strip() for each in parameters[name].split(",") if each.strip()]


def _segment(number: object, segments: Mapping[int, str]) -> str:
    if not isinstance(number, int) or number not in segments:
        raise InvalidInput("segments", f"there is none with the number {number!r} that can be followed")
    return segments[number]


def _parameters(strategy: Entry) -> dict[str, str]:
    given = strategy.get("parameters")
    found = {} if given is None else entry(given, "parameters")
    return {name: str(value) for name, value in found.items() if isinstance(value, str | int)}


_STRATEGIES: dict[str, Callable[[Parameters], Audience]] = {
    "default": _default,
    "userWithId": _user_with_id,
    "gradualRolloutUserId": _gradual_by(USER_ID),
    "gradualRolloutSessionId": _gradual_by("session_id"),
    "gradualRolloutRandom": _gradual_random,
    "flexibleRollout": _flexible_rollout,
    "remoteAddress": _remote_address,
    "applicationHostname": _application_hostname,
}
