"""Media items with sizes, transcripts that are waited for, and notifications."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from demo.seeding.draw import Draw

MEBIBYTE = 1024 * 1024
UPLOAD_LIMIT_BYTES = 500 * MEBIBYTE
SMALL = {
    "intro": 2,
    "outro": 2,
    "music": 4,
    "commercial": 1,
    "sfx": 1,
    "podcast_cover": 2,
    "episode_cover": 1,
}
EXTENSIONS = {"podcast_cover": "jpg", "episode_cover": "png"}
WATCH_STATUSES = ("queued", "processing", "processing", "error: provider timed out", "error:", None)
NOTICES = (
    ("publish", "Your episode is live"),
    ("transcription", "Your transcript is ready"),
    ("billing", "Your card will expire <soon>"),
)

Row = dict[str, Any]


def make_media(draw: Draw, users: list[Row], episodes: list[Row]) -> Iterator[Row]:
    """Small items of every user, and the main recording of every episode that names one."""
    for user in users:
        for _ in range(draw.whole(0, 4)):
            category = draw.weighted(SMALL)
            name = f"{category}_{draw.whole(1, 99)}.{EXTENSIONS.get(category, 'mp3')}"
            yield _item(draw, user["id"], category, name, draw.whole(40_000, 12 * MEBIBYTE))
    for episode in episodes:
        recording = main_content(episode["meta_json"])
        if recording:
            yield _recording(draw, episode, recording)


def main_content(meta_json: str | None) -> str | None:
    """The recording that an episode's text names; None where it names none that could be one."""
    try:
        meta = json.loads(meta_json or "")
    except ValueError:
        return None
    name = meta.get("main_content_filename") if isinstance(meta, dict) else None
    return name if isinstance(name, str) and name else None


def make_watches(draw: Draw, media: list[Row]) -> Iterator[Row]:
    """Transcripts asked for in the last three days and not there yet."""
    for item in media:
        if item["category"] == "main_content" and not item["transcript_ready"] and draw.chance(0.5):
            yield {
                "id": draw.id(),
                "user_id": item["user_id"],
                "filename": item["filename"],
                "last_status": draw.one(WATCH_STATUSES),
                "created_at": max(item["created_at"], draw.ago(1, 72)),
                "notified_at": None,
            }


def make_notifications(draw: Draw, users: list[Row]) -> Iterator[Row]:
    """One notification for every third user or so."""
    for user in users:
        if draw.chance(0.3):
            kind, title = draw.one(NOTICES)
            at = draw.ago(1, 24 * 60)
            read_at = at + timedelta(hours=1) if draw.chance(0.6) else None
            row = {"id": draw.id(), "user_id": user["id"], "type": kind, "title": title, "body": None}
            yield row | {"created_at": at, "read_at": read_at}


def _recording(draw: Draw, episode: Row, name: str) -> Row:
    size = min(int(draw.random.lognormvariate(17.6, 0.8)), UPLOAD_LIMIT_BYTES)
    item = _item(draw, episode["user_id"], "main_content", name, size)
    ready = not draw.chance(0.1)
    return item | {
        "created_at": episode["created_at"] - timedelta(minutes=draw.whole(1, 90)),
        "used_in_episode_id": episode["id"],
        "transcript_ready": ready,
        "transcription_error": None if ready or draw.chance(0.7) else "speech service: <timeout>",
    }


def _item(draw: Draw, user_id: object, category: str, filename: str, size_bytes: int) -> Row:
    created_at = draw.ago(1, 24 * 300)
    return {
        "id": draw.id(),
        "user_id": user_id,
        "category": category,
        "filename": filename,
        "filesize": None if draw.chance(0.01) else size_bytes,
        "created_at": created_at,
        "expires_at": created_at + timedelta(days=365) if draw.chance(0.3) else None,
        "used_in_episode_id": None,
        "transcript_ready": False,
        "transcription_error": None,
    }
