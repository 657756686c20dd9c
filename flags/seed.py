"""Flags for a console that has none: what the demo backend asks for."""

from typing import Any

from flags.models import Flag, Kind, Segment, State
from flags.segment_services import create_segment
from flags.services import create
from ops_console.access.actor import SYSTEM

_PAYING = ["starter", "hobby", "creator", "pro", "executive", "enterprise", "unlimited"]
_SEGMENTS = (
    (
        "paying",
        {"note": "Whoever pays.", "constraints": [{"field": "tier", "operator": "IN", "values": _PAYING}]},
    ),
)
# A parent before its children.
_FLAGS: tuple[tuple[str, State, dict[str, Any]], ...] = (
    (
        "new_player",
        State.RULES,
        {
            "percent": 50,
            "note": "The new episode player on the listening page.",
            "owner": "web",
            "tags": ["player"],
        },
    ),
    (
        "player_theme",
        State.RULES,
        {
            "percent": 100,
            "note": "How the new player is painted.",
            "owner": "web",
            "kind": Kind.EXPERIMENT,
            "tags": ["player"],
            "prerequisites": [{"flag": "new_player", "state": "on"}],
            "variants": [
                {"name": "daylight", "weight": 500, "payload": {"type": "string", "value": "#f7d774"}},
                {"name": "midnight", "weight": 500, "payload": {"type": "string", "value": "#243b6b"}},
            ],
        },
    ),
    (
        "magic_chapters",
        State.RULES,
        {
            "note": "Chapters found by Gemini while assembling.",
            "owner": "audio",
            "rules": [
                {"name": "half of who pays", "segments": ["paying"], "percent": 50},
                {
                    "name": "our own people",
                    "constraints": [
                        {"field": "email", "operator": "STR_ENDS_WITH", "values": ["@podcast.example"]},
                    ],
                },
            ],
        },
    ),
    ("fast_assembly", State.OFF, {"percent": 100, "note": "Assemble on the new workers.", "owner": "platform"}),
    (
        "spreaker_publish",
        State.ON,
        {
            "note": "Publish to Spreaker when an episode is done.",
            "owner": "distribution",
            "kind": Kind.OPS,
            "permanent": True,
        },
    ),
)


def seed() -> None:
    """Define what is not defined; change nothing that is."""
    segments = set(Segment.objects.values_list("name", flat=True))
    for name, values in _SEGMENTS:
        if name not in segments:
            create_segment(SYSTEM, name, values)
    known = set(Flag.objects.values_list("name", flat=True))
    for name, state, values in _FLAGS:
        if name not in known:
            create(SYSTEM, name, values, state)
