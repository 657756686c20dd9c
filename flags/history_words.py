"""Two versions of a flag or a segment as an audit entry keeps them, with their documents in words. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from flags.words import Line, as_list, constraint_in_words, prerequisite_in_words, rule_in_words
from ops_client.json_types import same_json

Version = Mapping[str, Any]


def in_words(version: Version | None) -> dict[str, Any]:
    """The version with sentences in place of documents, and without what says nothing."""
    kept = {name: value for name, value in (version or {}).items() if name == "everyone" or value}
    return {_NAMES.get(name, name): _WORDS[name](value) if name in _WORDS else value for name, value in kept.items()}


def both_in_words(before: Version | None, after: Version | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two versions of one thing. Documents that differ and read alike (`true` and the text "true") are left as JSON."""
    sides = in_words(before), in_words(after)
    for name in (before or {}).keys() & (after or {}).keys() & _WORDS.keys():
        documents = (before or {})[name], (after or {})[name]
        label = _NAMES.get(name, name)
        if not same_json(*documents) and sides[0].get(label) == sides[1].get(label):
            for side, document in zip(sides, documents, strict=True):
                side[label] = document
    return sides


def _rules(rules: Any) -> str:
    lines = [rule_in_words(raw) for raw in as_list(rules)]
    return "\n".join(f"{number}. {_line(line)}" for number, line in enumerate(lines, 1))


def _line(line: Line) -> str:
    name = f"{line.name}: " if line.name else ""
    segments = f"in {' and '.join(line.segments)}" if line.segments else ""
    variants = f"variants {', '.join(line.variants)}" if line.variants else ""
    return name + "; ".join(filter(None, (line.words, segments, variants)))


def _variants(variants: Any) -> str:
    return ", ".join(_variant(each) for each in as_list(variants))


def _variant(raw: Any) -> str:
    if not isinstance(raw, dict):
        return "one that cannot be read"
    payload = raw.get("payload")
    more = f" = {payload.get('value')}" if isinstance(payload, dict) else ""
    users = "".join(
        f", always for {len(each.get('values') or [])} by {each.get('field')}" for each in as_list(raw.get("overrides"))
    )
    return f"{raw.get('name')} ({raw.get('weight', 0)}{users}){more}"


def _prerequisites(prerequisites: Any) -> str:
    asked = [raw for raw in as_list(prerequisites) if isinstance(raw, dict)]
    return ", ".join(f"{raw.get('flag')} {prerequisite_in_words(raw)}" for raw in asked)


_WORDS: dict[str, Callable[[Any], Any]] = {
    "rules": _rules,
    "variants": _variants,
    "prerequisites": _prerequisites,
    "constraints": lambda value: " and ".join(map(constraint_in_words, as_list(value))),
    "tags": lambda value: ", ".join(map(str, as_list(value))),
    "everyone": {False: "off for everyone", None: "by its rules", True: "on for everyone"}.get,
}
_NAMES = {
    "everyone": "state",
    "on_at": "on at",
    "off_at": "off at",
    "archived_at": "archived at",
    "expires_at": "to be removed by",
    "runbook_url": "runbook",
}
