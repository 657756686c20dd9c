"""Episodes in every state of their life, about two thousand of them stuck."""

from collections.abc import Iterator
from typing import Any

from demo.seeding.draw import Draw
from demo.seeding.meta import assembly_meta, odd_shapes, queued_meta, recording_name
from demo.seeding.words import EPISODE_TITLES, FIRST_NAMES, LAST_NAMES, ODD_TITLES, PLACES, THEMES

STUCK = 2_000
FRESH = 45
WAITING = 160
REST_WEIGHTS = {
    "published": 66,
    "processed": 14,
    "completed": 8,
    "pending": 7,
    "error": 4,
    "failed": 0.5,
    "awaiting_audio_decision": 0.5,
}
YEAR_HOURS = 24 * 365
FAULTS = ("Spreaker answered 502", "audio decode failed at 00:13:07", "<i>upload</i> refused", None)

Row = dict[str, Any]


class Episodes:
    """Makes episode rows for `podcasts`, whose themes are given by podcast id."""

    def __init__(self, draw: Draw, podcasts: list[Row], themes: dict[object, str]) -> None:
        self._draw = draw
        self._podcasts = podcasts
        self._themes = themes

    def make(self, count: int) -> Iterator[Row]:
        yield from self._stuck()
        yield from (self._processing(0.03, 1.6) for _ in range(FRESH))
        yield from (self._waiting() for _ in range(WAITING))
        yield from (self._rest() for _ in range(count - STUCK - FRESH - WAITING))

    def _stuck(self) -> Iterator[Row]:
        odd = odd_shapes()
        for number in range(STUCK):
            row = self._processing(3, 72)
            if number < len(odd):
                row["meta_json"] = odd[number]
            elif number - len(odd) < len(ODD_TITLES):
                row["title"] = ODD_TITLES[number - len(odd)]
            yield row

    def _processing(self, least_hours: float, most_hours: float) -> Row:
        main = recording_name(self._draw)
        row = self._row("processing", least_hours, most_hours)
        meta = assembly_meta(self._draw, main, retry_count=self._draw.whole(0, 2))
        return row | {"meta_json": meta, "working_audio_name": main if self._draw.chance(0.8) else None}

    def _waiting(self) -> Row:
        row = self._row("pending", 0.2, 40)
        queued_at = row["created_at"].isoformat() + "Z"
        return row | {"meta_json": queued_meta(self._draw, recording_name(self._draw), queued_at)}

    def _rest(self) -> Row:
        status = self._draw.weighted(REST_WEIGHTS)
        row = self._row(status, 1, YEAR_HOURS)
        if status in {"published", "processed", "completed"}:
            return row | self._finished(row, status)
        if status in {"error", "failed"}:
            return row | {"spreaker_publish_error": self._draw.one(FAULTS), "needs_republish": True}
        return row

    def _finished(self, row: Row, status: str) -> Row:
        draw = self._draw
        name = f"{row['user_id'].hex}/episodes/{row['id'].hex}/audio/final.mp3"
        return {
            "meta_json": assembly_meta(draw, recording_name(draw)) if draw.chance(0.5) else "{}",
            "final_audio_path": name,
            "gcs_audio_path": f"gs://podcast-demo/{name}",
            "audio_file_size": draw.whole(8_000_000, 180_000_000),
            "is_published_to_spreaker": status == "published",
            "publish_at": row["created_at"] if status == "published" else None,
        }

    def _row(self, status: str, least_hours: float, most_hours: float) -> Row:
        draw, podcast = self._draw, self._draw.one(self._podcasts)
        created_at = draw.ago(least_hours, most_hours)
        return {
            "id": draw.id(),
            "user_id": podcast["user_id"],
            "podcast_id": podcast["id"],
            "template_id": draw.id() if draw.chance(0.85) else None,
            "title": self._title(podcast),
            "status": status,
            "priority": draw.one((0, 0, 0, 1, 5)),
            "final_audio_path": None,
            "gcs_audio_path": None,
            "working_audio_name": None,
            "spreaker_publish_error": None,
            "is_explicit": draw.chance(0.1),
            "has_numbering_conflict": draw.chance(0.02),
            "is_published_to_spreaker": False,
            "needs_republish": False,
            "auphonic_processed": draw.chance(0.2),
            "meta_json": None if draw.chance(0.1) else "{}",
            "guest_intros": None,
            "audio_file_size": None,
            "processed_at": created_at,
            "created_at": created_at,
            "publish_at": None,
        }

    def _title(self, podcast: Row) -> str:
        draw = self._draw
        title = draw.one(EPISODE_TITLES).format(
            number=draw.whole(1, 180),
            part=draw.whole(1, 6),
            topic=draw.one(THEMES[self._themes[podcast["id"]]]),
            guest=f"{draw.one(FIRST_NAMES)} {draw.one(LAST_NAMES)}",
            place=draw.one(PLACES),
        )
        return title[0].upper() + title[1:]
