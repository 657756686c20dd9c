"""What a change would do to the users seen in the last day, in words for the person who is about to make it."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from flags.models import EVERYONE, Flag, State
from flags.preview import of_flag
from flags.validation import check


@dataclass(frozen=True)
class Effect:
    """How many of the `seen` users change sides; `problem` says why it cannot be told."""

    seen: int = 0
    turned_on: int = 0
    turned_off: int = 0
    other_variant: int = 0
    problem: str = ""
    bounded: bool = False

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
        people = f"{self.seen:,} users seen{' last' if self.bounded else ' in the last day'}"
        if not parts:
            return f"Changes nothing for the {people}."
        said = ", ".join(parts)
        return f"{said[0].upper()}{said[1:]} of {people}."


def of_change(flag: Flag, values: Mapping[str, Any]) -> Effect:
    """What saving these columns would do. Raises InvalidInput as saving would."""
    candidate = copy(flag)
    for name, value in values.items():
        setattr(candidate, name, value)
    check(candidate, values)
    return _effect(flag, candidate)


def of_state(flag: Flag, state: State) -> str:
    """What a switch would do, in a sentence."""
    candidate = copy(flag)
    candidate.everyone = EVERYONE[state]
    return _effect(flag, candidate).words


def _effect(before: Flag, after: Flag) -> Effect:
    found = of_flag(before, after)
    return Effect(found.seen, found.gained, found.lost, found.other_variant, bounded=found.bounded)
