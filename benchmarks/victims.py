"""Stuck episodes by the thousand, and the users whose they are."""

from typing import Any

USERS = 400
PEOPLE = """
INSERT INTO public."user" (id, email, hashed_password, is_active, is_admin, tier, created_at, is_deleted_view)
SELECT md5('user ' || n)::uuid, 'user' || n || '@example.org', '', true, false, 'pro', now() AT TIME ZONE 'UTC', false
FROM generate_series(0, %s - 1) AS n
"""
EPISODES = """
INSERT INTO public.episode (id, user_id, podcast_id, title, status, priority, meta_json, processed_at, created_at,
    working_audio_name, is_explicit, has_numbering_conflict, is_published_to_spreaker, needs_republish,
    auphonic_processed)
SELECT gen_random_uuid(), md5('user ' || n %% %s)::uuid, gen_random_uuid(), 'Victim ' || n, 'processing', 0,
    '{"main_content_filename": "talk.wav", "output_filename": "final"}',
    now() AT TIME ZONE 'UTC' - make_interval(hours => 3, secs => n), now() AT TIME ZONE 'UTC',
    'working-' || n || '.wav', false, false, false, false, false
FROM generate_series(1, %s) AS n
"""


def make_victims(database: Any, number: int) -> None:
    """So many episodes, stuck for three hours and more, and their users. `database` executes as psycopg does."""
    database.execute(PEOPLE, [USERS])
    database.execute(EPISODES, [USERS, number])
    database.execute("ANALYZE public.episode")
