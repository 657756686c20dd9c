"""What a change would do to the users seen in the last day, in words for the person who is about to make it."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from flags.models import EVERYONE, Flag, State
from flags.validation import check


@dataclass(frozen=True)
class Effect:
    """How many of the `seen` users change sides; `problem` says why it cannot be told."""

    seen: int = 0
    turned_on: int = 0
    turned_off: int = 0
    other_variant: int = 0
    problem: str = ""

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
        if not parts:
            return f"Changes nothing for the {self.seen:,} users seen in the last day."
        said = ", ".join(parts)
        return f"{said[0].upper()}{said[1:]} of {self.seen:,} users seen in the last day."


def of_change(flag: Flag, values: Mapping[str, Any]) -> Effect:
    """What saving these columns would do. Raises InvalidInput as saving would."""
    candidate = copy(flag)
    for name, value in values.items():
        setattr(candidate, name, value)
    check(candidate, values)
    return Effect()


def of_state(flag: Flag, state: State) -> str:
    """What a switch would do, in a sentence."""
    candidate = copy(flag)
    candidate.everyone = EVERYONE[state]
    return Effect().words
