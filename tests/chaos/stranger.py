"""The episodes of a backend that we have never seen: of the known shape, and in every way a little different."""

from typing import Any

from django.db import connection

from incidents.operations.sources.schema import forget

EPISODES = 20_000
Rows = dict[str, dict[str, Any]]
# Fewer labels than the code knows, no key, no default, no index; flags that may be NULL.
TABLE = """
DROP TABLE public.episode;
CREATE TYPE public.stranger AS ENUM ('pending', 'processing', 'processed', 'error');
CREATE TABLE public.episode (
    id uuid NOT NULL, user_id uuid NOT NULL, podcast_id uuid, template_id uuid, title varchar NOT NULL,
    status public.stranger NOT NULL, priority integer NOT NULL, final_audio_path varchar, working_audio_name varchar,
    spreaker_publish_error varchar, is_explicit boolean, auphonic_processed boolean, meta_json {meta},
    processed_at timestamp without time zone NOT NULL, created_at timestamp without time zone NOT NULL
);
"""
ODD_TEXTS = ("{}", "[]", "just text", '{"broken": ', "null", "", '{"main_content_filename": 7}')
ODD_JSON = ("{}", "[]", '"just text"', "7", "null", "true", '{"main_content_filename": " "}')
GOOD = '{ "main_content_filename": "a.wav",  "rate": 1.10, "big": 12345678901234567890, "name": "Žluťoučký \\u0041" }'
NAMES = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://example.org")',
    "@SUM(A1:A9)",
    "'); DROP TABLE episode; --",
    "",
    "%s {} %(id)s \\",
    "שלום \u202e tab\tand\nline",
    "long " * 200,
)
# Of ten rows four are stuck, two of them cannot be retried; one is young, and hours off in any zone but UTC.
FILL = """
INSERT INTO public.episode (id, user_id, title, status, priority, meta_json, processed_at, created_at)
SELECT md5('stranger ' || n)::uuid, md5('owner ' || n %% 50)::uuid, (%(names)s::text[])[n %% 8 + 1],
    (ARRAY['processing', 'processing', 'processing', 'processing', 'processing', 'pending', 'pending', 'processed',
           'processed', 'error'])[n %% 10 + 1]::public.stranger, 0,
    CASE WHEN n %% 10 IN (0, 1, 4) THEN %(good)s
         WHEN n %% 10 = 5 THEN '{{"queued_for_worker": true, "main_content_filename": "a.wav"}}'
         WHEN n / 10 %% 8 > 0 THEN (%(odd)s::text[])[n / 10 %% 8] END::{meta},
    now() AT TIME ZONE 'UTC' - CASE WHEN n %% 10 < 4 THEN make_interval(hours => 3, secs => n)
        ELSE make_interval(mins => 30) END,
    now() AT TIME ZONE 'UTC'
FROM generate_series(1, {number}) AS n
"""
TRUTH = """
SELECT id::text AS id, status::text AS status, meta_json::text AS meta, title, processed_at FROM public.episode
"""


def make_strangers(meta: str, zone: str) -> None:
    """Its table in place of ours, filled, with the column `meta` as varchar or jsonb, and a session in that zone."""
    odd = ODD_JSON if meta == "jsonb" else ODD_TEXTS
    with connection.cursor() as cursor:
        cursor.execute(TABLE.format(meta=meta))
        values = {"names": list(NAMES), "odd": list(odd), "good": GOOD}
        cursor.execute(FILL.format(meta=meta, number=EPISODES), values)
        cursor.execute("ANALYZE public.episode")
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    forget()


def truth() -> Rows:
    """Every row as it stands, by id."""
    with connection.cursor() as cursor:
        cursor.execute(TRUTH)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["id"]: row for row in rows}


def stuck(rows: Rows) -> set[str]:
    """In progress since three hours; the others since half an hour."""
    oldest = max(row["processed_at"] for row in rows.values())
    return {
        one
        for one, row in rows.items()
        if row["status"] == "processing" and (oldest - row["processed_at"]).total_seconds() > 3_600
    }
