"""Random features and contexts, asked of Unleash's own engine (that of UnleashClient) and of ours: where they differ.

No measure of time. Answers that chance or the clock decides are left out, and so is what the two are known to differ
in, which docs/howto/migrate-from-unleash.md lists.
"""

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops_client.flags.unleash import FlagSet, load

Json = dict[str, Any]
Draw = random.Random

FIELDS = ("userId", "sessionId", "remoteAddress", "environment", "appName", "currentTime", "tier", "age", "version")
WORDS = (
    *("", "a", "A", "ab", "pro", "Pro", "free", "straße", "STRASSE", "Ω", "web", "5", "5.0", "-3", "1e2"),
    *("10.0.0.1", "10.1.2.3", "2001:db8::1", "1.2.3", "1.2.3-rc.1", "1.10.0"),
    *("2026-01-01T00:00:00Z", "2026-06-01T12:00:00+02:00"),
)
SEVERAL = ("IN", "NOT_IN", "STR_STARTS_WITH", "STR_ENDS_WITH", "STR_CONTAINS", "IN_CIDR")
NUMBERS = ("NUM_EQ", "NUM_GT", "NUM_GTE", "NUM_LT", "NUM_LTE")
VERSIONS = ("SEMVER_EQ", "SEMVER_GT", "SEMVER_GTE", "SEMVER_LT", "SEMVER_LTE")
STICKY = ("default", "userId", "sessionId", "tier")


@dataclass(frozen=True)
class Difference:
    """One answer that is not the same."""

    feature: Json
    context: Json
    theirs: object
    ours: object


def constraint(draw: Draw) -> Json:
    kind = draw.choice(["several", "several", "number", "version", "date", "regex"])
    made: Json = {"contextName": draw.choice(FIELDS), "inverted": draw.random() < 0.3}
    if kind == "several":
        operator = draw.choice(SEVERAL)
        networks = ("10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "nonsense")
        values = draw.sample(networks if operator == "IN_CIDR" else WORDS, draw.randint(1, 3))
        # IN has no case in the client that this is compared with; in ours, as once published, it has.
        folds = operator.startswith("STR_") and draw.random() < 0.5
        return {**made, "operator": operator, "values": values, "caseInsensitive": folds}
    values_of = {
        "number": (NUMBERS, ("5", "5.5", "-3", "100")),
        "version": (VERSIONS, ("1.2.3", "1.10.0", "2.0.0-rc.1")),
        "date": (("DATE_AFTER", "DATE_BEFORE"), ("2026-03-01T00:00:00Z", "2025-12-31T23:00:00-01:00")),
        "regex": (("REGEX",), ("^a", "o$", "[0-9]+", "(?i)PRO")),
    }
    operators, values = values_of[kind]
    return {**made, "operator": draw.choice(operators), "value": draw.choice(values)}


def constraints(draw: Draw) -> list[Json]:
    return [constraint(draw) for _ in range(draw.choice([0, 0, 1, 1, 2]))]


def variants(draw: Draw, stickiness: str | None) -> list[Json]:
    made = [
        {"name": f"v{number}", "weight": draw.randint(1, 1000)} for number in range(draw.choice([0, 0, 1, 2, 3, 5]))
    ]
    for each in made:
        if stickiness:
            each["stickiness"] = stickiness
        if draw.random() < 0.5:
            each["payload"] = {"type": "string", "value": draw.choice(WORDS)}
        if stickiness and draw.random() < 0.2:
            each["overrides"] = [{"contextName": draw.choice(FIELDS), "values": draw.sample(WORDS, 2)}]
    return made


def strategy(draw: Draw, segments: list[Json]) -> Json:
    percent, group = str(draw.randint(0, 100)), draw.choice(["g1", "g 2", "a.b:c"])
    parameters: Json = {
        "default": {},
        "userWithId": {"userIds": ",".join(draw.sample(WORDS[1:], 3))},
        "gradualRolloutUserId": {"percentage": percent, "groupId": group},
        "gradualRolloutSessionId": {"percentage": percent, "groupId": group},
        "flexibleRollout": {"rollout": percent, "stickiness": draw.choice(STICKY), "groupId": group},
        "remoteAddress": {"IPs": "10.0.0.0/8, 2001:db8::1, nonsense"},
        "somethingOfTheirOwn": {"x": "y"},
    }
    name = draw.choice(list(parameters))
    made: Json = {"name": name, "parameters": parameters[name], "constraints": constraints(draw), "variants": []}
    if draw.random() < 0.3:
        made["segments"] = draw.sample([each["id"] for each in segments], 1)
    if draw.random() < 0.4:
        made["variants"] = variants(draw, None)
    return made


def document(draw: Draw) -> Json:
    segments = [{"id": number, "name": f"s{number}", "constraints": constraints(draw)} for number in (1, 2)]
    features: list[Json] = []
    for number in range(8):
        made: Json = {
            "name": f"feature-{number}",
            "enabled": draw.random() < 0.9,
            "strategies": [strategy(draw, segments) for _ in range(draw.choice([0, 1, 1, 2, 3]))],
            "variants": variants(draw, draw.choice(STICKY)),
        }
        if draw.random() < 0.3:
            parent = f"feature-{draw.randint(0, 9)}"
            made["dependencies"] = [{"feature": parent, "enabled": draw.random() < 0.7}]
        features.append(made)
    return {"version": 2, "features": features, "segments": segments}


def context(draw: Draw) -> Json:
    """Every key that something may stick to is there, or chance would answer. An empty one is no key with us."""
    made: Json = {name: draw.choice(WORDS[1:]) for name in ("userId", "sessionId")}
    made["currentTime"] = draw.choice(WORDS[1:])  # or the clock would answer, and each has its own
    for name in ("remoteAddress", "environment", "appName"):
        if draw.random() < 0.7:
            made[name] = draw.choice(WORDS)
    made["properties"] = {"tier": draw.choice(WORDS[1:])}
    for name in ("age", "version"):
        if draw.random() < 0.7:
            made["properties"][name] = draw.choice(WORDS)
    return made


def differences(documents: int, contexts: int, seed: int) -> Iterator[Difference | None]:
    """Every answer: None where the two agree."""
    from yggdrasil_engine.engine import UnleashEngine

    draw = random.Random(seed)
    for _ in range(documents):
        state = document(draw)
        engine, flags = UnleashEngine(), load(state)
        engine.take_state(json.dumps(state))
        for _ in range(contexts):
            asked = context(draw)
            for feature in state["features"]:
                theirs, ours = their_answer(engine, feature["name"], asked), our_answer(flags, feature["name"], asked)
                yield None if theirs == ours else Difference(feature, asked, theirs, ours)


def their_answer(engine: Any, name: str, asked: Json) -> object:
    found = engine.get_variant(name, asked).variant
    return engine.is_enabled(name, asked).is_enabled, found.name, found.enabled, found.feature_enabled, found.payload


def our_answer(flags: FlagSet, name: str, asked: Json) -> object:
    found = flags.variant(name, asked)
    payload = None if found.payload is None else {"type": found.payload.type, "value": found.payload.value}
    return flags.is_enabled(name, asked), found.name, found.enabled, found.feature_enabled, payload


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--contexts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    answers = list(differences(options.documents, options.contexts, options.seed))
    different = [vars(found) for found in answers if found is not None]
    if options.json:
        print(json.dumps({"name": "unleash_agreement", "answers": len(answers), "different": len(different)}))
    else:
        print(*(json.dumps(each, ensure_ascii=False) for each in different[:10]), sep="\n")
        print(f"{len(answers):,} answers, {len(different):,} different.")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
