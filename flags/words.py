"""What a flag says, in sentences: for its page, for viewers, and for whoever reads it on call.

Pure, but for the viewer's time zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flags.models import Flag
from ops_client.errors import OpsError
from ops_client.flags import words
from ops_client.flags.rules import constraint_from_json
from ops_console.web.moments import exact

_AUDIENCE = (
    ("authenticated", "Everybody who is signed in"),
    ("staff", "Staff"),
    ("superusers", "Superusers"),
    ("testing", "Requests that test it"),
)
_SHOWN = 6


@dataclass(frozen=True)
class Line:
    """One rule: its `name`, what it says, its segments (which are links) and the names of its variants."""

    name: str
    words: str
    segments: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()


def rules_in_words(flag: Flag) -> list[Line]:
    """Every way into a flag: waffle's audience first, then the rules."""
    return [*_audience(flag), *(rule_in_words(raw) for raw in as_list(flag.rules))]


def rule_in_words(raw: Any) -> Line:
    """One rule; one that is no object, or holds what this console does not know, says so."""
    if not isinstance(raw, dict):
        return Line("", "Not a rule that can be read")
    who = [constraint_in_words(each) for each in as_list(raw.get("constraints"))]
    segments = tuple(map(str, as_list(raw.get("segments"))))
    percent, by = raw.get("percent", 100), raw.get("stickiness") or "user_id"
    asked = " and ".join(who) or ("" if segments else "Everybody")
    rollout = "" if str(percent) == "100" else f"{percent} % by {by}"
    if raw.get("group"):
        rollout += f" in group {raw['group']}"
    said = "; ".join(filter(None, (asked, rollout)))
    names = tuple(str(each.get("name")) for each in as_list(raw.get("variants")) if isinstance(each, dict))
    return Line(str(raw.get("name") or ""), said, segments, names)


def constraint_in_words(raw: Any) -> str:
    """`tier is one of creator, pro`."""
    try:
        return words.constraint_in_words(constraint_from_json(raw))
    except OpsError as error:
        return f"a constraint that cannot be read ({error.message})"


def schedule_in_words(flag: Flag) -> str:
    """When it can be on at all; empty where always."""
    ends = [("from", flag.on_at), ("until", flag.off_at)]
    said = " ".join(f"{word} {exact(moment)}" for word, moment in ends if moment)
    return f"On {said} only." if said else ""


def prerequisite_in_words(raw: Any) -> str:
    """`is on, in red or blue`."""
    variants = " or ".join(map(str, as_list(raw.get("variants"))))
    return f"is {raw.get('state') or 'on'}" + (f", in variant {variants}" if variants else "")


def as_list(value: Any) -> list[Any]:
    """A list of a document; what plain SQL made something else is none."""
    return value if isinstance(value, list) else []


def _audience(flag: Flag) -> Iterator[Line]:
    for column, said in _AUDIENCE:
        if getattr(flag, column):
            yield Line("", said)
    if flag.languages:
        yield Line("", f"Language is one of {flag.languages}")
    for kind in ("groups", "users"):
        if names := [str(each) for each in getattr(flag, kind).all()]:
            yield Line("", f"{kind.capitalize()}: {', '.join(names[:_SHOWN])}{' …' if len(names) > _SHOWN else ''}")
    if flag.percent is not None:
        yield Line("", f"{flag.percent.normalize():f} % of all users by user_id")
