"""A document of Unleash's as rows of flags and segments."""

from collections.abc import Mapping

from ops_client.errors import InvalidInput
from ops_client.flags.imported import Imported, Row
from ops_client.flags.prerequisites import prerequisite_from_json
from ops_client.flags.rules import Problem
from ops_client.flags.unleash.constraints import constraint
from ops_client.flags.unleash.document import Document, Entry, entry, items, read, written
from ops_client.flags.unleash.strategies import everybody, label, rule
from ops_client.flags.unleash.variants import feature_variants

_LONGEST_TAG = 40
_KINDS = {"experiment": "experiment", "operational": "ops", "kill-switch": "ops", "permission": "permission"}


def rows(state: object) -> Imported:
    """Flags and segments to store, and what could not be followed.

    A feature that is not enabled is off for everyone and keeps its rules. One that Unleash keeps off because of what
    it depends on (a feature that is missing, or that depends on others itself) is off for everyone too.
    Raises InvalidInput, naming the place, where `state` is no such document.
    """
    document = read(state)
    problems: list[Problem] = []
    segments = _segments(document, problems)
    names = {number: str(row["name"]) for number, row in segments.items()}
    flags = [_flag(name, document, names, problems) for name in document.features]
    return Imported(tuple(flags), tuple(segments.values()), tuple(problems))


def _segments(document: Document, problems: list[Problem]) -> dict[int, Row]:
    found: dict[int, Row] = {}
    for number, segment in document.segments.items():
        name = _segment_name(number, segment, {str(row["name"]) for row in found.values()})
        try:
            constraints = [constraint(each) for each in items(segment, "constraints", "constraints")]
        except InvalidInput as error:
            problems.append(Problem("", f"segment {name}", error.message))
            continue
        found[number] = {"name": name, "note": f"Segment {number} in Unleash.", "constraints": constraints}
    return found


def _segment_name(number: int, segment: Entry, taken: set[str]) -> str:
    name = segment.get("name")
    if not isinstance(name, str) or not name:
        return f"unleash-{number}"
    return f"{name} ({number})" if name in taken else name


def _flag(name: str, document: Document, segments: Mapping[int, str], problems: list[Problem]) -> Row:
    feature = document.features[name]
    prerequisites, never = _prerequisites(name, document, problems)
    return {
        "name": name,
        "everyone": None if feature["enabled"] and not never else False,
        "rules": _rules(name, feature, segments, problems),
        "variants": _variants(name, feature, problems),
        "prerequisites": prerequisites,
        "note": _text(feature.get("description")),
        "kind": _KINDS.get(_text(feature.get("type")), "release"),
        "tags": _tags(feature),
        "archived": False,
    }


def _rules(name: str, feature: Entry, segments: Mapping[int, str], problems: list[Problem]) -> list[object]:
    strategies = items(feature, "strategies", "strategies")
    found: list[object] = [] if strategies else [everybody()]
    for number, strategy in enumerate(strategies, 1):
        try:
            found.append(rule(strategy, segments))
        except InvalidInput as error:
            problems.append(Problem(name, label(strategy, number), error.message))
    return found


def _variants(name: str, feature: Entry, problems: list[Problem]) -> list[object]:
    try:
        return [*feature_variants(feature)]
    except InvalidInput as error:
        problems.append(Problem(name, "variants", error.message))
        return []


def _prerequisites(name: str, document: Document, problems: list[Problem]) -> tuple[list[object], bool]:
    """What a feature depends on, and whether Unleash never lets that hold."""
    found: list[object] = []
    never = False
    for raw in items(document.features[name], "dependencies", "dependencies"):
        try:
            found.append(_prerequisite(raw, document.features))
        except InvalidInput as error:
            never = True
            problems.append(Problem(name, "dependencies", f"{error.message}; Unleash keeps the feature off"))
    return found, never


def _prerequisite(raw: object, features: Mapping[str, Entry]) -> object:
    dependency = entry(raw, "dependencies")
    parent = dependency.get("feature")
    if not isinstance(parent, str) or parent not in features:
        raise InvalidInput("feature", f"there is none named {parent!r}")
    if features[parent].get("dependencies"):
        raise InvalidInput("feature", f"{parent} depends on others itself")
    if dependency.get("enabled") is False:
        return {"flag": parent, "state": "off"}
    made = written({"flag": parent, "variants": items(dependency, "variants", "variants")})
    prerequisite_from_json(made)
    return made


def _tags(feature: Entry) -> list[str]:
    project = _text(feature.get("project"))
    return [f"project:{project}"[:_LONGEST_TAG]] if project and project != "default" else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
