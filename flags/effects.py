"""What a change would do to the users seen in the last day, in words for the person who is about to make it."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from flags.models import EVERYONE, Flag, Segment, State
from flags.preview import Preview, of_flag, on_now
from flags.preview import of_segment as segment_preview
from flags.reverting import REVERTED
from flags.usage import last_asked
from flags.validation import check, check_segment
from ops_console.audit.models import Entry
from ops_console.audit.revert import taken_back
from ops_console.web.formatting import relative


@dataclass(frozen=True)
class Effect:
    """How many of the `seen` users change sides; `problem` says why it cannot be told."""

    seen: int = 0
    turned_on: int = 0
    turned_off: int = 0
    other_variant: int = 0
    problem: str = ""
    bounded: bool = False
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        if not self.seen:
            return "Nobody was seen in the last day, so nobody can be counted."
        parts = [
            f"{word} {count:,}"
            for word, count in (
                ("turns on for", self.turned_on),
                ("turns off for", self.turned_off),
                ("gives another variant to", self.other_variant),
            )
            if count
        ]
        people = _people(self.seen, self.bounded)
        if not parts:
            return f"Changes nothing for the {people}."
        said = ", ".join(parts)
        return f"{said[0].upper()}{said[1:]} of {people}."


def reach(flag: Flag) -> str:
    """For how many it is on now, in a sentence: what turning it off would take from whom."""
    is_off = flag.everyone is False and flag.archived_at is None
    found = of_flag(flag, _by_its_rules(flag)) if is_off else on_now(flag.name)
    if not found.seen:
        return "No backend told of any user in the last day."
    people = _people(found.seen, found.bounded)
    if is_off:
        return f"Off for everyone. By its rules it would be on for {found.on_after:,} of {people}."
    return f"On now for {found.on_before:,} of {people}."


def of_change(flag: Flag, values: Mapping[str, Any]) -> Effect:
    """What saving these columns would do. Raises InvalidInput as saving would."""
    candidate = copy(flag)
    for name, value in values.items():
        setattr(candidate, name, value)
    check(candidate, values)
    if flag.everyone is False and flag.archived_at is None:
        return _while_off(flag, candidate)
    return _effect(flag, candidate)


def _while_off(flag: Flag, candidate: Flag) -> Effect:
    """Saving changes nothing for anybody while the flag is off; what counts is whom its rules would let in."""
    found = of_flag(flag, _by_its_rules(candidate))
    if not found.seen:
        return Effect()
    people = _people(found.seen, found.bounded)
    note = f"The flag is off for everyone. By its rules as edited it would be on for {found.on_after:,} of {people}."
    return Effect(found.seen, bounded=found.bounded, notes=(note,))


def _by_its_rules(flag: Flag) -> Flag:
    switched = copy(flag)
    switched.everyone = None
    return switched


def of_segment(segment: Segment, values: Mapping[str, Any]) -> Effect:
    """What saving these columns of a segment would do in the flags that use it. Raises InvalidInput as saving would."""
    candidate = copy(segment)
    for name, value in values.items():
        setattr(candidate, name, value)
    check_segment(candidate)
    found = [(each.flag.name, _counted(each.preview)) for each in segment_preview(segment, candidate)]
    if not found:
        return Effect(problem="No flag in force uses it: saving it changes nothing for anybody.")
    whole = Effect(
        found[0][1].seen,
        sum(effect.turned_on for _, effect in found),
        sum(effect.turned_off for _, effect in found),
        sum(effect.other_variant for _, effect in found),
        bounded=found[0][1].bounded,
    )
    moved = [f"{name}: {effect.words}" for name, effect in found if effect.turned_on or effect.turned_off]
    return replace(whole, notes=tuple(moved))


def of_archive(flag: Flag) -> list[str]:
    """What speaks for or against taking a flag out of force."""
    asked = last_asked([flag.name]).get(flag.name)
    if asked is None:
        return ["No backend has asked for it for as long as usage is kept."]
    return [f"It was last asked for {relative(asked, timezone.now())}."]


def of_revert(flag: Flag, entry: Entry) -> str:
    """What taking a change back would do, in a sentence. Raises Conflict where it cannot be."""
    candidate = copy(flag)
    for name, value in taken_back(entry, flag, REVERTED).items():
        setattr(candidate, name, value)
    return _effect(flag, candidate).words


def of_state(flag: Flag, state: State) -> str:
    """What a switch would do, in a sentence."""
    candidate = copy(flag)
    candidate.everyone = EVERYONE[state]
    return _effect(flag, candidate).words


def _people(seen: int, bounded: bool) -> str:
    return f"{seen:,} users seen{' last' if bounded else ' in the last day'}"


def _effect(before: Flag, after: Flag) -> Effect:
    return _counted(of_flag(before, after))


def _counted(found: Preview) -> Effect:
    return Effect(found.seen, found.gained, found.lost, found.other_variant, bounded=found.bounded)
