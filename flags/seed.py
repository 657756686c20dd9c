"""Flags for a console that has none: what the demo backend asks for."""

from flags.models import Flag, State
from flags.services import create
from ops_console.access.actor import SYSTEM

_FLAGS = (
    (
        "new_player",
        State.RULES,
        {"percent": 50, "note": "The new episode player on the listening page.", "owner": "web"},
    ),
    (
        "magic_chapters",
        State.RULES,
        {"percent": 5, "note": "Chapters found by Gemini while assembling.", "owner": "audio"},
    ),
    ("fast_assembly", State.OFF, {"percent": 100, "note": "Assemble on the new workers.", "owner": "platform"}),
    ("spreaker_publish", State.ON, {"note": "Publish to Spreaker when an episode is done.", "owner": "distribution"}),
)


def seed() -> None:
    """Define what is not defined; change nothing that is."""
    known = set(Flag.objects.values_list("name", flat=True))
    for name, state, values in _FLAGS:
        if name not in known:
            create(SYSTEM, name, values, state)
