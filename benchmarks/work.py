"""The work of the flags benchmark: 100 flags, each for two of five tiers and half of their users."""

from collections.abc import Callable
from typing import Any

TIERS = ("free", "hobby", "creator", "pro", "executive")
WANTED = ("creator", "pro")
PERCENT = 50
FLAGS = tuple(f"feature_{number:02d}" for number in range(100))

Person = dict[str, Any]
Ask = tuple[str, Any]
Check = Callable[[str, Any], bool]


def asks(count: int) -> list[Ask]:
    """Every flag in turn, and people in an order that shares no factor with it."""
    people = [{"user_id": f"user-{number}", "tier": TIERS[number % len(TIERS)]} for number in range(997)]
    return [(FLAGS[number % len(FLAGS)], people[number % len(people)]) for number in range(count)]
