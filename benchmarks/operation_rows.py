"""A database with very many episodes: the console's and the podcast's tables, filled, with or without our indexes."""

import os
import subprocess
import sys
from typing import Any

import psycopg

from demo.dsn import connection_info, database_name

BATCH = 500_000
# Of a hundred rows: 12 in progress (of which one has given no sign for hours), 1 queued, 3 failed, the rest done.
FILL = """
INSERT INTO public.episode (id, user_id, podcast_id, title, status, priority, meta_json, processed_at, created_at,
    working_audio_name, is_explicit, has_numbering_conflict, is_published_to_spreaker, needs_republish,
    auphonic_processed)
SELECT gen_random_uuid(), u.id, u.id, 'Episode ' || n,
    (CASE WHEN n %% 100 < 12 THEN 'processing' WHEN n %% 100 = 12 THEN 'pending'
          WHEN n %% 100 < 16 THEN 'error' ELSE 'processed' END)::public.episodestatus, 0,
    CASE WHEN n %% 100 = 12 THEN '{"queued_for_worker": true, "main_content_filename": "a.wav"}'
         WHEN n %% 100 BETWEEN 13 AND 15 THEN '{"error_reason": "provider ' || n %% 7 || ' answered 503"}'
         ELSE '{"main_content_filename": "a.wav", "output_filename": "final"}' END,
    now() AT TIME ZONE 'UTC' - make_interval(secs => 60 + random() * 2592000), now() AT TIME ZONE 'UTC',
    'working-' || n || '.wav', false, false, false, false, false
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
JOIN bench_users AS u ON u.number = n %% %(users)s
"""
USERS = """
CREATE TABLE IF NOT EXISTS bench_users AS
SELECT number, gen_random_uuid() AS id FROM generate_series(0, %(users)s - 1) AS number;
"""
PEOPLE = """
INSERT INTO public."user" (id, email, hashed_password, is_active, is_admin, tier, created_at, is_deleted_view)
SELECT id, 'user' || number || '@example.org', '', true, false, 'pro', now(), false FROM bench_users
ON CONFLICT DO NOTHING
"""
MOST_USERS = 20_000


# As superuser, which the checks refuse for a console.
PREPARING = (
    ["-m", "demo.bootstrap"],
    ["manage.py", "migrate", "--no-input", "-v0", "--skip-checks"],
    ["manage.py", "grant_console", "ops_console", "--apply"],
)


def prepare() -> None:
    """Roles, the podcast's tables and the console's, each by its own command."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ops_console.settings", "STATEMENT_TIMEOUT_SECONDS": "0"}
    for step in PREPARING:
        subprocess.run([sys.executable, *step], env=environment, check=True, stdout=subprocess.DEVNULL)
    with superuser() as connection:
        # The list after the bulks is measured as it is before autovacuum has come to the marks: without statistics.
        connection.execute("ALTER TABLE ops.operations_operationmark SET (autovacuum_enabled = off)")


def address() -> str:
    """The benchmark's database, for a role that may do everything."""
    url = os.environ["DATABASE_URL"]
    return connection_info(url, database=database_name(url))


def superuser() -> psycopg.Connection[Any]:
    """A connection to it."""
    return psycopg.connect(address(), autocommit=True)


def fill(rows: int) -> None:
    """Bring the table to so many episodes."""
    with superuser() as connection:
        (there,) = connection.execute("SELECT count(*) FROM public.episode").fetchone() or (0,)
        users = min(MOST_USERS, max(rows // 100, 1))
        with connection.cursor() as cursor:
            cursor.execute(psycopg.sql.SQL(USERS % {"users": users}))
        connection.execute(PEOPLE)
        for first in range(there + 1, rows + 1, BATCH):
            last = min(first + BATCH - 1, rows)
            connection.execute(FILL, {"first": first, "last": last, "users": users})
        connection.execute("VACUUM (ANALYZE) public.episode")


def run_as_owner(statements: list[str]) -> None:
    """What `sources check` prints, run as it stands."""
    with superuser() as connection:
        for statement in statements:
            connection.execute(psycopg.sql.SQL(statement))
    vacuum()


def vacuum() -> None:
    """What autovacuum comes to by itself."""
    with superuser() as connection:
        connection.execute("VACUUM (ANALYZE) public.episode")
