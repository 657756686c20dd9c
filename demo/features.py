"""What hangs on flags in this backend: which there are, and what they decide for a user."""

from dataclasses import dataclass

from demo.people import Person
from ops_client.flags.client import FlagClient
from ops_client.flags.explain import Explanation
from ops_client.flags.variants import Variant

# By percentage; by who pays; an experiment with variants, for whoever has the new player.
PLAYER_FLAG = "new_player"
CHAPTERS_FLAG = "magic_chapters"
THEME_FLAG = "player_theme"
FLAGS = (PLAYER_FLAG, CHAPTERS_FLAG, THEME_FLAG)

PLAIN = Variant("plain", enabled=False)


@dataclass(frozen=True)
class Features:
    """One user's: the player, whether chapters are found by Gemini, and how the player is painted."""

    new_player: bool
    chapters: bool
    theme: str


def features_of(flags: FlagClient, person: Person | None) -> Features:
    """Ask the flags; each question is counted as one."""
    context = context_of(person)
    return Features(
        new_player=flags.is_enabled(PLAYER_FLAG, context),
        chapters=flags.is_enabled(CHAPTERS_FLAG, context),
        theme=flags.variant(THEME_FLAG, context, default=PLAIN).name,
    )


def explained(flags: FlagClient, person: Person | None) -> list[Explanation]:
    """Why each flag answers as it does. Not counted as questions."""
    context = context_of(person)
    return [flags.explain(name, context) for name in FLAGS]


def context_of(person: Person | None) -> dict[str, str]:
    """What flag rules may know of the caller."""
    return person.context() if person else {}
