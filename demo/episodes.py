"""Episodes and uploads as the backend itself reads and writes them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from demo.database import Database

RECENT = """
SELECT e.id::text, e.title, e.status::text, e.created_at, e.processed_at, e.final_audio_path
FROM public.episode e
WHERE e.user_id = %(user_id)s::uuid AND (%(status)s::text IS NULL OR e.status::text = %(status)s)
ORDER BY e.created_at DESC, e.id LIMIT %(limit)s
"""
PODCAST_OF = "SELECT id FROM public.podcast WHERE user_id = %(user_id)s::uuid ORDER BY id LIMIT 1"
ADD_MEDIA = """
INSERT INTO public.mediaitem (id, user_id, category, filename, filesize, created_at, used_in_episode_id,
                              transcript_ready)
VALUES (%(media_id)s, %(user_id)s, 'main_content', %(filename)s, %(size_bytes)s, %(now)s, %(id)s, false)
"""
ADD_EPISODE = """
INSERT INTO public.episode (id, user_id, podcast_id, title, status, priority, meta_json, processed_at,
                            created_at, is_explicit, has_numbering_conflict, is_published_to_spreaker,
                            needs_republish, auphonic_processed)
VALUES (%(id)s, %(user_id)s, %(podcast_id)s, %(title)s, 'pending', 0, %(meta_json)s, %(now)s, %(now)s,
        false, false, false, false, false)
"""


TIMES = ("created_at", "processed_at")


class NoPodcast(Exception):
    """The user has no show that an episode could belong to."""


@dataclass(frozen=True)
class Upload:
    """A main recording as it was sent, and the title of the episode it is for."""

    user_id: str
    title: str
    size_bytes: int


def recent(database: Database, user_id: str, status: str | None, limit: int) -> list[dict[str, Any]]:
    """The user's newest episodes, times aware and UTC. Raises DatabaseAway."""
    rows = database.fetch(RECENT, {"user_id": user_id, "status": status, "limit": limit})
    return [row | {name: row[name].replace(tzinfo=UTC) for name in TIMES} for row in rows]


def add(database: Database, upload: Upload) -> str:
    """Keep the recording and its episode, waiting for assembly; its id. Raises NoPodcast, DatabaseAway."""
    with database.transaction() as connection:
        podcast = connection.execute(PODCAST_OF, {"user_id": upload.user_id}).fetchone()
        if podcast is None:
            raise NoPodcast("This user has no podcast: an episode needs one.")
        row = _row(upload) | {"podcast_id": podcast["id"]}
        connection.execute(ADD_EPISODE, row)
        connection.execute(ADD_MEDIA, row)
    return str(row["id"])


def _row(upload: Upload) -> dict[str, Any]:
    episode_id = uuid4()
    filename = f"{episode_id.hex[:8]}_upload.wav"
    return {
        "id": episode_id,
        "media_id": uuid4(),
        "user_id": upload.user_id,
        "title": upload.title,
        "size_bytes": upload.size_bytes,
        "filename": filename,
        "meta_json": json.dumps({"main_content_filename": filename, "output_filename": "final"}),
        # Naive and UTC, as every time in these tables.
        "now": datetime.now(UTC).replace(tzinfo=None),
    }
