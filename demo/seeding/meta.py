"""What stands in an episode's meta_json: text that is usually JSON."""

import json
from typing import Any

from demo.seeding.draw import Draw
from demo.seeding.words import RECORDINGS

# Whatever once went wrong and stayed: none of these rows can be retried, and none may break a page.
ODD_SHAPES = (
    (None, 24),
    ("{}", 18),
    ('{"main_content_filename": "half_writ', 9),
    ("not json at all", 3),
    ("[]", 4),
    ('["main.wav"]', 4),
    ("null", 3),
    ("42", 2),
    ("", 3),
    ('{"output_filename": "no-main", "assembly_job_id": "asm-nomain", "retry_count": 1}', 22),
    ('{"main_content_filename": "", "output_filename": "blank"}', 6),
    ('{"main_content_filename": null, "output_filename": "nothing"}', 4),
    ('{"main_content_filename": 17, "output_filename": "number"}', 3),
    ('{"main_content_filename": {"name": "nested.wav"}}', 3),
)


def odd_shapes() -> list[str | None]:
    """Each odd shape as often as it is wanted."""
    return [text for text, times in ODD_SHAPES for _ in range(times)]


def recording_name(draw: Draw) -> str:
    """The name of an uploaded main recording."""
    return f"{draw.random.getrandbits(32):08x}_{draw.one(RECORDINGS)}.{draw.one(('wav', 'mp3', 'm4a'))}"


def assembly_meta(draw: Draw, main_content: str, **more: Any) -> str:
    """The text of an episode in assembly."""
    return json.dumps({**_payload(draw, main_content), "assembly_job_id": _job_id(draw), **more})


def queued_meta(draw: Draw, main_content: str, queued_at: str) -> str:
    """The text of an episode that waits for a worker: waiting, not stuck."""
    payload = _payload(draw, main_content)
    waiting = {"queued_for_worker": True, "queued_at": queued_at, "assembly_payload": payload}
    return json.dumps({**payload, **waiting, "retry_count": draw.whole(0, 2)})


def _payload(draw: Draw, main_content: str) -> dict[str, Any]:
    return {
        "main_content_filename": main_content,
        "output_filename": main_content.rsplit(".", 1)[0] + "_final",
        "tts_values": {"intro": "Welcome back."} if draw.chance(0.2) else {},
        "episode_details": {"season": draw.whole(1, 6), "number": draw.whole(1, 140)},
        "intents": {"flubber": "no", "intern": draw.one(("yes", "no"))},
        "use_auphonic": draw.chance(0.3),
    }


def _job_id(draw: Draw) -> str:
    return f"asm-{draw.random.getrandbits(64):016x}"
